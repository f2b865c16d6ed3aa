import type { Descriptor } from '@wharf/oci/descriptor';
import { formatCanonical, parseReference, type Reference } from '@wharf/oci/reference';
import { recordImage } from '@wharf/store/images/tag-image';
import { type AssembledImage, assembleImage, imageResponse } from './assemble-image.ts';
import type { ExportContext, ExportResponse } from './build-output.ts';
import type { ImageOutput } from './output.ts';

/** Makes the build an image of this engine, or of a registry, or of both. */
export async function exportImage(context: ExportContext, output: ImageOutput): Promise<ExportResponse> {
  const { deps, step } = context;
  const image = await assembleImage(context, output, 'uncompressed');
  const { target } = image;
  const names = output.names.map(formatCanonical);
  if (output.store) {
    await step(`writing image ${target.digest}`, async () => {
      // What is only pushed by its digest has no name here to take from another.
      recordImage(deps.parts, target, output.pushByDigest ? [] : namesOf(output, target));
    });
    for (const name of output.pushByDigest ? [] : names) await step(`naming to ${name}`, async () => undefined);
  }
  if (!output.push) return imageResponse(image, names);
  let pushed: Descriptor = target;
  for (const name of output.names) pushed = await push(context, output, { image, name });
  return imageResponse({ ...image, target: pushed }, names);
}

function namesOf({ names, nameCanonical, danglingPrefix }: ImageOutput, { digest }: Descriptor): Reference[] {
  if (names.length === 0 && danglingPrefix) return [parseReference(`${danglingPrefix}@${digest}`)];
  if (!nameCanonical) return [...names];
  return [...names, ...names.map(({ domain, path }) => ({ domain, path, digest }))];
}

/** Answers what the registry knows it as: layers that lie here as their files go out packed. */
async function push(
  { deps, client, signal, step }: ExportContext,
  { format, pushByDigest }: ImageOutput,
  { image: { target }, name }: { image: AssembledImage; name: Reference },
): Promise<Descriptor> {
  const reference = pushByDigest ? { domain: name.domain, path: name.path } : name;
  return await step(`pushing ${formatCanonical(reference)}`, async () =>
    deps.transfers.pusher.pushTarget(target, {
      reference,
      keepPlain: format.compression === 'uncompressed',
      credentials: await client.credentials(name.domain),
      signal,
      progress: () => undefined,
    }),
  );
}
