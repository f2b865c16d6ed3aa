import type { KeyedLock } from '@wharf/base/keyed-lock';
import type { Logger } from '@wharf/base/logger';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { ImageStore } from '@wharf/store/images/image-store';
import type { EventPublisher } from '../events.ts';

/** What the image verbs need. */
export interface ImageDeps {
  readonly images: ImageStore;
  readonly transfers: Transfers;
  readonly containers: ImageUsers;
  readonly events: EventPublisher;
  readonly locks: KeyedLock;
  readonly logger: Logger;
}

/** The containers, as far as images care. */
export interface ImageUsers {
  values(): Iterable<{
    readonly id: string;
    readonly image: { readonly id: string };
    readonly state: { readonly status: string };
  }>;
}

/** How many containers each image has, by image id. */
export function countUsers(containers: ImageUsers): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { image } of containers.values()) counts.set(image.id, (counts.get(image.id) ?? 0) + 1);
  return counts;
}
