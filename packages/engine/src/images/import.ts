import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import type { Platform } from '@wharf/oci/image-config';
import type { ImageDeps } from './image-deps.ts';
import { newTag } from './tag.ts';

export interface ImportImageOptions {
  readonly repo: string;
  readonly tag: string;
  readonly message: string;
  readonly changes: readonly string[];
  readonly platform?: Platform;
  readonly signal: AbortSignal;
}

/** Makes an image out of a root file system's tar; the stream's last word is its id. */
export async function importImage(
  { images, events }: Pick<ImageDeps, 'images' | 'events'>,
  source: Readable,
  { repo, tag, message, ...options }: ImportImageOptions,
  progress: (message: JsonMessage) => void,
): Promise<void> {
  const reference = repo === '' ? undefined : newTag(repo, tag);
  const id = await images.import(source, {
    ...options,
    message: message || 'Imported from -',
    ...(reference !== undefined && { reference }),
  });
  events.publish({ type: 'image', action: 'import', id, attributes: { name: reference ?? id } });
  progress({ status: id });
}
