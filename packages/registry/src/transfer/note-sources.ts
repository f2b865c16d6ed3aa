import type { Digest } from '@wharf/oci/digest';
import type { Reference } from '@wharf/oci/reference';
import type { ImageParts } from '@wharf/store/images/image-parts';

const sourcesKept = 8;

/** Where a blob is known to be is where it can be mounted from when it is pushed elsewhere. */
export function noteSources(
  { blobSources }: Pick<ImageParts, 'blobSources'>,
  { domain, path }: Reference,
  digest: Digest,
  diffId?: Digest,
): void {
  const repository = `${domain}/${path}`;
  const known = blobSources.get(digest);
  const unpacked = diffId ?? known?.diffId;
  if (known?.repositories[0] === repository && known.diffId === unpacked) return;
  const others = (known?.repositories ?? []).filter((other) => other !== repository);
  const repositories = [repository, ...others].slice(0, sourcesKept);
  blobSources.put(digest, { repositories, ...(unpacked !== undefined && { diffId: unpacked }) });
}
