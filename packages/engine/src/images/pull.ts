import { invalidArgument } from '@wharf/base/error';
import { isDigest } from '@wharf/oci/digest';
import type { Platform } from '@wharf/oci/image-config';
import { familiarName, formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';
import { decodeCredentials } from '@wharf/registry/client/credentials';
import type { Progress } from '@wharf/registry/transfer/layer-progress';
import type { ImageDeps } from './image-deps.ts';

export interface PullImageOptions {
  /** A tag or a digest; '' where the image says it, or every tag is meant. */
  readonly tag: string;
  readonly platform?: Platform;
  /** The header X-Registry-Auth. */
  readonly auth: string | undefined;
  readonly signal: AbortSignal;
}

/** Pulls `image`, or every tag of its repository where there is no word of one. */
export async function pullImage(
  { transfers, events }: Pick<ImageDeps, 'transfers' | 'events'>,
  image: string,
  { tag, auth, signal, platform }: PullImageOptions,
  progress: Progress,
): Promise<void> {
  const reference = pullReference(image, tag);
  const options = { credentials: decodeCredentials(auth), signal, progress, ...(platform && { platform }) };
  const publish = (pulled: Reference) =>
    events.publish({
      type: 'image',
      action: 'pull',
      id: formatFamiliar(pulled),
      attributes: { name: familiarName(pulled) },
    });
  if (reference.tag === undefined && reference.digest === undefined) {
    await transfers.puller.pullAll(reference, options, publish);
    return;
  }
  await transfers.puller.pull(reference, options);
  publish(reference);
}

function pullReference(image: string, tag: string): Reference {
  // Clients that know no tag have sent `name:`.
  const parsed = parseReference(image.replace(/:$/, ''));
  const { domain, path } = parsed;
  if (domain === 'docker.io' && path === 'library/scratch') throw invalidArgument("'scratch' is a reserved name");
  if (tag !== '') return isDigest(tag) ? { domain, path, digest: tag } : withTag({ domain, path }, tag);
  return parsed.digest === undefined ? parsed : { domain, path, digest: parsed.digest };
}

function withTag(name: Pick<Reference, 'domain' | 'path'>, tag: string): Reference {
  if (!/^[\w][\w.-]{0,127}$/.test(tag)) throw invalidArgument('invalid tag format');
  return { ...name, tag };
}
