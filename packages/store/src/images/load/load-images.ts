import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { invalidArgument } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import type { Platform } from '@wharf/oci/platform';
import { formatCanonical, formatFamiliar } from '@wharf/oci/reference';
import type { ImageParts } from '../image-parts.ts';
import { recordImage } from '../tag-image.ts';
import type { ArchiveMembers } from './archive-members.ts';
import { readDockerArchive } from './docker-archive.ts';
import type { LoadedImage } from './loaded-image.ts';
import { readOciLayout } from './oci-layout.ts';
import { readArchive } from './read-archive.ts';

export interface LoadOptions {
  readonly quiet: boolean;
  readonly platforms?: readonly Platform[];
  readonly signal: AbortSignal;
}

/** Loads every image of an archive, or none: all of it is checked before the first one is recorded. */
export async function loadImages(
  parts: ImageParts,
  archive: Readable,
  { quiet, platforms = [], signal }: LoadOptions,
  progress: (message: JsonMessage) => void,
): Promise<void> {
  using _lease = parts.leases.open();
  const onLayer = quiet ? () => undefined : layerProgress(progress);
  const members = await readArchive(parts, archive, { signal, onLayer });
  try {
    const images = describeImages(parts, members, platforms);
    for (const image of images) announce(parts, image, progress);
    await storeContent(parts, images);
    recordImages(parts, images);
    for (const { target, names } of images) {
      for (const name of names) progress({ stream: `Loaded image: ${formatFamiliar(name)}\n` });
      if (names.length === 0) progress({ stream: `Loaded image ID: ${target.digest}\n` });
    }
  } finally {
    for (const { ingest } of members.layers()) if (ingest) parts.content.abort(ingest);
  }
}

export function describeImages(
  { layers }: Pick<ImageParts, 'layers'>,
  members: ArchiveMembers,
  platforms: readonly Platform[],
): LoadedImage[] {
  const index = members.file('index.json');
  const manifest = members.file('manifest.json');
  if (index && members.file('oci-layout')) return readOciLayout(members, index, { layers, platforms });
  if (manifest) return readDockerArchive(members, manifest, platforms);
  throw invalidArgument('unrecognized image format');
}

/** Comes before the names: in this order a crash leaves nothing half made. */
export async function storeContent({ content }: ImageParts, images: readonly LoadedImage[]): Promise<void> {
  for (const { layers } of images) {
    for (const { ingest, blobDigest } of layers) {
      if (ingest && !content.has(blobDigest)) content.commit(ingest, blobDigest);
    }
  }
  await Promise.all(images.flatMap(({ blobs }) => [...blobs.values()]).map((bytes) => content.write(bytes)));
  await content.sync();
}

export function recordImages(parts: ImageParts, images: readonly LoadedImage[]): void {
  parts.database.transaction(() => {
    for (const { target, names } of images) recordImage(parts, target, names);
  });
}

function announce({ tags }: ImageParts, { target, names }: LoadedImage, progress: (message: JsonMessage) => void) {
  for (const name of names) {
    const before = tags.get(formatCanonical(name));
    if (!before || before.imageId === target.digest) continue;
    const text = `The image ${formatFamiliar(name)} already exists, renaming the old one with ID ${before.imageId} to empty string\n`;
    progress({ stream: text });
  }
}

/** A line for each few megabytes of a layer, as Docker's progress bars want it. */
function layerProgress(progress: (message: JsonMessage) => void) {
  const step = 4 << 20;
  let next = { name: '', at: 0 };
  return (name: string, current: number, total: number) => {
    if (name !== next.name) next = { name, at: step };
    if (current < next.at && current < total) return;
    next.at = current + step;
    const id = shortId(/[0-9a-f]{12,64}/.exec(name)?.[0] ?? name);
    progress({ status: 'Loading layer', id, progressDetail: { current, total } });
  };
}
