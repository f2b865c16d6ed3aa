import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { parseIndex } from '@wharf/oci/manifest';
import { mediaTypes } from '@wharf/oci/media-type';

/** A cache in an OCI layout of this machine. */
export interface LocalCache {
  readonly directory: string;
  readonly tag: string;
}

const tagAnnotation = 'org.opencontainers.image.ref.name';

/** What the layout has under the tag; undefined where it has nothing there. */
export function readLocalCache({ directory, tag }: LocalCache): Digest | undefined {
  return readEntries(directory).find(({ annotations }) => annotations?.[tagAnnotation] === tag)?.digest;
}

/** Has the layouts name what the daemon wrote there. */
export function tagLocalCaches(caches: readonly LocalCache[], response: Readonly<Record<string, string>>): void {
  const told = response['cache.manifest'];
  if (told === undefined) return;
  const { mediaType, digest, size }: Descriptor = JSON.parse(told);
  for (const { directory, tag } of caches) {
    const others = readEntries(directory).filter(({ annotations }) => annotations?.[tagAnnotation] !== tag);
    const manifests = [...others, { mediaType, digest, size, annotations: { [tagAnnotation]: tag } }];
    mkdirSync(directory, { recursive: true });
    replace(join(directory, 'oci-layout'), { imageLayoutVersion: '1.0.0' });
    replace(join(directory, 'index.json'), { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  }
}

function readEntries(directory: string): readonly Descriptor[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(directory, 'index.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return parseIndex(bytes).manifests;
}

/** Never half of it. */
function replace(path: string, value: object): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(value));
  renameSync(temporary, path);
}
