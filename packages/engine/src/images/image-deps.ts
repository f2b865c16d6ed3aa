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
  values(): Iterable<ImageUser>;
}

export interface ImageUser {
  readonly id: string;
  readonly image: { readonly id: string; readonly manifest: { readonly digest: string } };
  readonly mounts: readonly { readonly image?: { readonly id: string } }[];
  readonly state: { readonly status: string };
}

/** How many containers each image has, by image id. */
export function countUsers(containers: ImageUsers): Map<string, number> {
  const counts = new Map<string, number>();
  for (const container of containers.values()) {
    for (const id of imagesOf(container)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** The image that a container was made of, and those that it mounts. */
export function imagesOf({ image, mounts }: ImageUser): ReadonlySet<string> {
  return new Set([image.id, ...mounts.flatMap((mount) => (mount.image ? [mount.image.id] : []))]);
}
