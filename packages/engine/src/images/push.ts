import { invalidArgument } from '@wharf/base/error';
import type { Platform } from '@wharf/oci/image-config';
import { familiarName, formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';
import { decodeCredentials } from '@wharf/registry/client/credentials';
import type { Progress } from '@wharf/registry/transfer/layer-progress';
import type { ImageDeps } from './image-deps.ts';

export interface PushImageOptions {
  /** '' pushes every tag of the repository, unless the image names one. */
  readonly tag: string;
  readonly platform?: Platform;
  /** The header X-Registry-Auth. */
  readonly auth: string | undefined;
  readonly signal: AbortSignal;
}

/** Pushes one tag of `image`, or all where there is no word of one. */
export async function pushImage(
  { transfers, events }: Pick<ImageDeps, 'transfers' | 'events'>,
  image: string,
  { tag, auth, signal, platform }: PushImageOptions,
  progress: Progress,
): Promise<void> {
  const reference = pushReference(image, tag);
  const options = { credentials: decodeCredentials(auth), signal, progress, ...(platform && { platform }) };
  await transfers.pusher.push(reference, options, (pushed) =>
    events.publish({
      type: 'image',
      action: 'push',
      id: formatFamiliar(pushed),
      attributes: { name: familiarName(pushed) },
    }),
  );
}

function pushReference(image: string, tag: string): Reference {
  const { domain, path, tag: own, digest } = parseReference(image);
  if (digest !== undefined) throw invalidArgument('cannot push a digest reference');
  if (tag !== '' && !/^[\w][\w.-]{0,127}$/.test(tag)) throw invalidArgument('invalid tag format');
  const wanted = tag || own;
  return { domain, path, ...(wanted !== undefined && { tag: wanted }) };
}
