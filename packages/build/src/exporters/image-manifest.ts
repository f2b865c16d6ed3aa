import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import type { HistoryEntry, ImageConfig } from '@wharf/oci/image-config';
import { mediaTypes } from '@wharf/oci/media-type';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { inlineCacheField } from '../cache/read-cache.ts';
import type { ImageConfigDraft } from '../solver/frontend.ts';

export interface ImageContent {
  /** Bottom to top, as they lie here and as the manifest names them. */
  readonly layers: readonly { readonly diffId: Digest; readonly descriptor: Descriptor }[];
  readonly draft: ImageConfigDraft;
  /** SOURCE_DATE_EPOCH, seconds since 1970: when all of it was made. */
  readonly epoch: number | undefined;
  /** When a layer that a build made was made: milliseconds since 1970. */
  readonly createdAt: (diffId: Digest) => number | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly ociTypes: boolean;
  /** What a build begins with that takes its cache from this image: see `encodeInlineCache`. */
  readonly inlineCache?: Uint8Array | undefined;
}

export interface WrittenManifest {
  readonly descriptor: Descriptor;
  readonly config: Digest;
}

/** Writes the config and the manifest of one platform's image. They are durable after the store's `sync`. */
export async function writeManifest(parts: ImageParts, image: ImageContent): Promise<WrittenManifest> {
  const { draft, layers, epoch, annotations, ociTypes, inlineCache } = image;
  const history = withTimes(draft.history ?? [], image);
  const created = epoch === undefined ? history.at(-1)?.created : formatTime(epoch * 1000);
  const config: ImageConfig = {
    ...draft,
    ...(created === undefined ? {} : { created }),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history,
    ...(inlineCache && { [inlineCacheField]: Buffer.from(inlineCache).toString('base64') }),
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const configDescriptor = describe(ociTypes ? mediaTypes.ociConfig : mediaTypes.dockerConfig, configBytes);
  const mediaType = ociTypes ? mediaTypes.ociManifest : mediaTypes.dockerManifest;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: configDescriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      ...(annotations && { annotations }),
    }),
  );
  await parts.content.write(configBytes);
  await parts.content.write(manifest);
  return { descriptor: describe(mediaType, manifest), config: configDescriptor.digest };
}

/** Writes an index of what is there already. */
export async function writeIndex(
  parts: ImageParts,
  manifests: readonly Descriptor[],
  { annotations, ociTypes }: Pick<ImageContent, 'annotations' | 'ociTypes'>,
): Promise<Descriptor> {
  const mediaType = ociTypes ? mediaTypes.ociIndex : mediaTypes.dockerManifestList;
  const index = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests, ...(annotations && { annotations }) }),
  );
  await parts.content.write(index);
  return describe(mediaType, index);
}

/**
 * The same build again has the same times, and so is the same image. As in BuildKit an instruction without a layer was
 * carried out with the one before it, or else with the first layer that is this build's.
 */
function withTimes(entries: readonly HistoryEntry[], { layers, epoch, createdAt }: ImageContent): HistoryEntry[] {
  let count = 0;
  const timed = entries.map((entry) => {
    const diffId = entry.empty_layer ? undefined : layers[count++]?.diffId;
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

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
