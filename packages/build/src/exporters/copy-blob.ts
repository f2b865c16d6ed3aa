import type { Descriptor } from '@wharf/oci/descriptor';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { ClientContent } from './build-output.ts';

/** Sends a blob, or a layer as its plain tar, to a client that does not have it. */
export async function copyBlob(
  { content, layers }: ImageParts,
  store: ClientContent,
  { digest, size }: Descriptor,
): Promise<void> {
  if (await store.has(digest)) return;
  await store.write({ digest, size }, content.has(digest) ? content.stream(digest) : layers.openTar(digest));
}
