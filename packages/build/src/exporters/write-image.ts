import { together } from '@wharf/base/together';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { Reference } from '@wharf/oci/reference';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { recordImage } from '@wharf/store/images/tag-image';
import { type ImageContent, writeManifest } from './image-manifest.ts';
import { layerBlob } from './layer-blobs.ts';

export interface WrittenImage extends Pick<ImageContent, 'draft' | 'epoch' | 'createdAt'> {
  readonly layers: readonly Digest[];
  readonly names: readonly Reference[];
  readonly descriptorOf: (diffId: Digest) => Descriptor | undefined;
  readonly signal: AbortSignal;
}

const format = { compression: undefined, level: undefined, force: false, ociTypes: true };

/** Makes an image of this engine of layers and a config, and names it. Answers its id. */
export async function writeImage(parts: ImageParts, image: WrittenImage): Promise<Digest> {
  const { names, descriptorOf, signal } = image;
  const options = { format, usual: 'uncompressed' as const, descriptorOf, signal };
  const layers = await together(
    image.layers.map(async (diffId) => ({ diffId, descriptor: await layerBlob(parts, diffId, options) })),
  );
  const { descriptor } = await writeManifest(parts, { ...image, layers, annotations: undefined, ociTypes: true });
  await parts.content.sync();
  return recordImage(parts, descriptor, names);
}
