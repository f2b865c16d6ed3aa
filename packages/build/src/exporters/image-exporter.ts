import type { Descriptor } from '@wharf/oci/descriptor';
import { type Digest, digestOf } from '@wharf/oci/digest';
import type { ImageConfig } from '@wharf/oci/image-config';
import { mediaTypes } from '@wharf/oci/media-type';
import type { Reference } from '@wharf/oci/reference';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { recordImage } from '@wharf/store/images/tag-image';
import type { ImageConfigDraft } from '../solver/frontend.ts';

export interface ImageExport {
  readonly layers: readonly Digest[];
  readonly draft: ImageConfigDraft;
  /** RFC 3339. */
  readonly created: string;
  readonly names: readonly Reference[];
  /** How a base image's manifest names its layers. */
  readonly descriptorOf: (diffId: Digest) => Descriptor | undefined;
}

/** Makes an image of layers and a config, and names it. Answers its id. */
export async function exportImage(parts: ImageParts, options: ImageExport): Promise<Digest> {
  const { layers, draft, created, names } = options;
  const history = (draft.history ?? []).map((entry) => ({ created, ...entry }));
  const config: ImageConfig = {
    ...draft,
    created,
    rootfs: { type: 'layers', diff_ids: [...layers] },
    history,
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: describe(mediaTypes.ociConfig, configBytes),
      layers: layers.map((diffId) => layerDescriptor(parts, diffId, options)),
    }),
  );
  await parts.content.write(configBytes);
  await parts.content.write(manifest);
  await parts.content.sync();
  return recordImage(parts, describe(mediaTypes.ociManifest, manifest), names);
}

/** A base's layers keep their blobs; what was built is plain until it is pushed. */
function layerDescriptor({ layers, content }: ImageParts, diffId: Digest, { descriptorOf }: ImageExport): Descriptor {
  const known = descriptorOf(diffId);
  if (known && (known.digest === diffId || content.has(known.digest))) {
    return { mediaType: ociLayerType(known.mediaType), digest: known.digest, size: known.size };
  }
  return { mediaType: mediaTypes.ociLayer, digest: diffId, size: layers.get(diffId)?.tarSize ?? 0 };
}

/** Docker's names and OCI's stand for the same bytes. */
function ociLayerType(mediaType: string): string {
  if (!mediaType.startsWith(mediaTypes.dockerLayer)) return mediaType;
  const packed = mediaType.slice(mediaTypes.dockerLayer.length).replace('.', '+');
  return `${mediaTypes.ociLayer}${packed}`;
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
