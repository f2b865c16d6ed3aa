import { invalidArgument } from '@wharf/base/error';
import { together } from '@wharf/base/together';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { annotationsFor } from './annotations.ts';
import type { ExportContext, ExportResponse, PlatformResult } from './build-output.ts';
import { writeIndex, writeManifest } from './image-manifest.ts';
import { layerBlob } from './layer-blobs.ts';
import type { LayerCompression } from './layer-format.ts';
import type { ImageFields } from './output.ts';

export interface AssembledImage {
  /** A manifest, or the index of several. */
  readonly target: Descriptor;
  /** Of the only platform; undefined for several. */
  readonly config: Digest | undefined;
  /** Of the target, where something points to it. */
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** Writes the manifests of a build into the store, where a lease keeps them until something refers to them. */
export async function assembleImage(
  context: ExportContext,
  fields: ImageFields,
  usual: LayerCompression,
): Promise<AssembledImage> {
  const { deps, build, step } = context;
  const { annotations, format } = fields;
  const { platforms, isMultiPlatform } = build;
  const needsIndex = isMultiPlatform || platforms.some(({ attestations }) => attestations.length > 0);
  const misplaced = annotations.find(({ place }) => place.startsWith('index'));
  if (misplaced && !needsIndex) throw invalidArgument('index annotations not supported for single platform export');
  const written = await together(
    platforms.map(async (platform) => ({
      platform,
      ...(await assemblePlatform(context, fields, { platform, usual })),
    })),
  );
  const { parts } = deps;
  const [only] = written;
  if (!needsIndex && only) {
    await parts.content.sync();
    const of = annotationsFor(annotations, 'manifest-descriptor', only.platform.platform);
    return { target: only.descriptor, config: only.config, annotations: of };
  }
  const manifests = written.map(({ platform: { platform }, descriptor }) => {
    const of = annotationsFor(annotations, 'manifest-descriptor', platform);
    return { ...descriptor, ...(of && { annotations: of }), platform };
  });
  const attestations = written.flatMap(({ platform }) => platform.attestations);
  const target = await step('exporting manifest list', () =>
    writeIndex(parts, [...manifests, ...attestations], {
      annotations: annotationsFor(annotations, 'index'),
      ociTypes: format.ociTypes,
    }),
  );
  await parts.content.sync();
  const config = written.length === 1 ? only?.config : undefined;
  return { target, config, annotations: annotationsFor(annotations, 'index-descriptor') };
}

async function assemblePlatform(
  { deps: { parts }, build, signal, step }: ExportContext,
  { format, annotations, rewriteTimestamp, epoch = build.epoch }: ImageFields,
  { platform: { platform, result, draft }, usual }: { platform: PlatformResult; usual: LayerCompression },
) {
  if (result.kind !== 'layers') throw invalidArgument('the result of the build is no file system of layers');
  if (rewriteTimestamp && epoch === undefined) {
    throw invalidArgument('rewrite-timestamp needs a SOURCE_DATE_EPOCH');
  }
  const { descriptorOf } = build;
  const layers = await step('exporting layers', () =>
    together(
      result.layers.map(async (own) => {
        // What a base image has is not this build's to change.
        const isOwn = descriptorOf(own) === undefined;
        const diffId = rewriteTimestamp && epoch !== undefined && isOwn ? await build.rewritten(own, epoch) : own;
        return { diffId, descriptor: await layerBlob(parts, diffId, { format, usual, descriptorOf, signal }) };
      }),
    ),
  );
  return await writeManifest(parts, {
    layers,
    draft,
    epoch,
    createdAt: build.createdAt,
    annotations: annotationsFor(annotations, 'manifest', platform),
    ociTypes: format.ociTypes,
    inlineCache: build.inlineCache(result.layers),
  });
}

/** What clients are told of an image. */
export function imageResponse(
  { target, config, annotations }: AssembledImage,
  names: readonly string[],
): ExportResponse {
  const described = { ...target, ...(annotations && { annotations }) };
  return {
    'containerimage.digest': target.digest,
    'containerimage.descriptor': Buffer.from(JSON.stringify(described)).toString('base64'),
    ...(config !== undefined && { 'containerimage.config.digest': config }),
    ...(names.length > 0 && { 'image.name': names.join(',') }),
  };
}
