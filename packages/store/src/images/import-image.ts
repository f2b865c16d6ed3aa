import type { Readable } from 'node:stream';
import { EngineError } from '@wharf/base/error';
import type { ImageConfig } from '@wharf/oci/image-config';
import { hostPlatform, normalizePlatform } from '@wharf/oci/platform';
import { parseReference, withDefaultTag } from '@wharf/oci/reference';
import { applyChanges } from './config-changes.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageStore } from './image-store.ts';
import { plainLayer } from './load/archive-members.ts';
import { describe } from './load/docker-archive.ts';
import { recordImages, storeContent } from './load/load-images.ts';

type ImportOptions = Parameters<ImageStore['import']>[1];

/** Makes an image of one layer out of a root file system's tar. Answers its id. */
export async function importImage(parts: ImageParts, archive: Readable, options: ImportOptions): Promise<string> {
  using _lease = parts.leases.open();
  // What can be wrong with the request is found before the first byte is read.
  const names = options.reference === undefined ? [] : [withDefaultTag(parseReference(options.reference))];
  const defaults = applyChanges({}, options.changes);
  const { diffId, tarSize } = await unpack(parts, archive, options.signal);
  const { os, architecture, variant } = normalizePlatform(options.platform ?? hostPlatform());
  const created = new Date().toISOString();
  const config: ImageConfig = {
    created,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    config: defaults,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, comment: options.message }],
  };
  const image = describe(Buffer.from(JSON.stringify(config)), [plainLayer(diffId, tarSize)], names);
  await storeContent(parts, [image]);
  recordImages(parts, [image]);
  return image.target.digest;
}

async function unpack({ layers }: ImageParts, archive: Readable, signal: AbortSignal) {
  // The layer is stored plain, whatever the archive's compression: nobody has named its compressed digest.
  const ingest = await layers.ingest({ keep: 'never' });
  try {
    for await (const chunk of archive) {
      signal.throwIfAborted();
      const wait = ingest.write(chunk as Buffer);
      if (wait) await wait;
    }
    signal.throwIfAborted();
  } catch (error) {
    await ingest.abort();
    throw signal.aborted ? new EngineError('canceled', 'context canceled', { cause: error }) : error;
  }
  return ingest.commit();
}
