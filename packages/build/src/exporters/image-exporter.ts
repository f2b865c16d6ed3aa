import type { Descriptor } from '@wharf/oci/descriptor';
import { type Digest, digestOf } from '@wharf/oci/digest';
import type { HistoryEntry, ImageConfig } from '@wharf/oci/image-config';
import { mediaTypes } from '@wharf/oci/media-type';
import type { Reference } from '@wharf/oci/reference';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { recordImage } from '@wharf/store/images/tag-image';
import type { ImageConfigDraft } from '../solver/frontend.ts';

export interface ImageExport {
  readonly layers: readonly Digest[];
  readonly draft: ImageConfigDraft;
  /** SOURCE_DATE_EPOCH, seconds since 1970: when all of it was made. */
  readonly epoch: number | undefined;
  /** When a layer that a build made was made: milliseconds since 1970. */
  readonly createdAt: (diffId: Digest) => number | undefined;
  readonly names: readonly Reference[];
  /** How a base image's manifest names its layers. */
  readonly descriptorOf: (diffId: Digest) => Descriptor | undefined;
}

/** Makes an image of layers and a config, and names it. Answers its id. */
export async function exportImage(parts: ImageParts, options: ImageExport): Promise<Digest> {
  const { layers, draft, names } = options;
  const history = withTimes(draft.history ?? [], options);
  const created = options.epoch === undefined ? history.at(-1)?.created : formatTime(options.epoch * 1000);
  const config: ImageConfig = {
    ...draft,
    ...(created === undefined ? {} : { created }),
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

/**
 * The same build again has the same times, and so is the same image. As in BuildKit an instruction without a layer was
 * carried out with the one before it, or else with the first layer that is this build's.
 */
function withTimes(entries: readonly HistoryEntry[], { layers, epoch, createdAt }: ImageExport): HistoryEntry[] {
  let count = 0;
  const timed = entries.map((entry) => {
    const diffId = entry.empty_layer ? undefined : layers[count++];
    if (entry.created !== undefined) return entry;
    const time = epoch !== undefined ? epoch * 1000 : diffId === undefined ? undefined : createdAt(diffId);
    return time === undefined ? entry : { ...entry, created: formatTime(time) };
  });
  const own = entries.findIndex(({ created }) => created === undefined);
  let last = own < 0 ? undefined : timed.slice(own).find(({ created }) => created !== undefined)?.created;
  last ??= timed[own - 1]?.created;
  return timed.map((entry, index) => {
    if (index < own || last === undefined) return entry;
    last = entry.created ?? last;
    return { ...entry, created: last };
  });
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
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
