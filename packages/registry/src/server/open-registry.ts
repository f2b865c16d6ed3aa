import { KeyedLock } from '@wharf/base/keyed-lock';
import type { RegistryDeps, RegistryPolicy } from './registry-deps.ts';
import { BlobLinks } from './repository/blob-links.ts';
import { ManifestRecords } from './repository/manifest-records.ts';
import { CollectionMarkers } from './repository/markers.ts';
import { ReferrerRecords } from './repository/referrer-records.ts';
import { TagRecords } from './repository/tag-records.ts';
import { FileObjectStore } from './storage/file-object-store.ts';
import type { ObjectStore } from './storage/object-store.ts';
import type { BlobUploads } from './uploads/blob-uploads.ts';
import { FileUploads } from './uploads/file-uploads.ts';
import type { PullThrough } from './upstream/pull-through.ts';

/** Where a registry keeps everything. */
export interface RegistryStorage {
  readonly objects: ObjectStore;
  readonly uploads: BlobUploads;
}

export function openFileStorage(root: string): RegistryStorage {
  const objects = new FileObjectStore(root);
  return { objects, uploads: new FileUploads(objects) };
}

export function openRegistry(
  { objects, uploads }: RegistryStorage,
  policy: RegistryPolicy,
  pullThrough?: PullThrough,
): RegistryDeps {
  const markers = new CollectionMarkers(objects);
  return {
    objects,
    uploads,
    markers,
    links: new BlobLinks({ objects, markers, grace: policy.grace }),
    manifests: new ManifestRecords(objects),
    tags: new TagRecords(objects),
    referrers: new ReferrerRecords(objects),
    locks: new KeyedLock(),
    policy,
    pullThrough,
  };
}
