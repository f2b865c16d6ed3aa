import type { KeyedLock } from '@wharf/base/keyed-lock';
import type { BlobLinks } from './repository/blob-links.ts';
import type { ManifestRecords } from './repository/manifest-records.ts';
import type { CollectionMarkers } from './repository/markers.ts';
import type { ReferrerRecords } from './repository/referrer-records.ts';
import type { TagRecords } from './repository/tag-records.ts';
import type { ObjectStore } from './storage/object-store.ts';
import type { BlobUploads } from './uploads/blob-uploads.ts';
import type { PullThrough } from './upstream/pull-through.ts';

/** What the registry's verbs work on. */
export interface RegistryDeps {
  readonly objects: ObjectStore;
  readonly uploads: BlobUploads;
  readonly links: BlobLinks;
  readonly manifests: ManifestRecords;
  readonly tags: TagRecords;
  readonly referrers: ReferrerRecords;
  readonly markers: CollectionMarkers;
  /** One queue a repository for what changes its manifests and tags. */
  readonly locks: KeyedLock;
  readonly policy: RegistryPolicy;
  /** Undefined for a registry that asks no other. */
  readonly pullThrough: PullThrough | undefined;
}

export interface RegistryPolicy {
  /** Milliseconds that content nothing refers to is left alone: a push may be about to refer to it. */
  readonly grace: number;
  readonly maximumManifestSize: number;
  /** Undefined takes any. */
  readonly maximumBlobSize: number | undefined;
  readonly allowDelete: boolean;
  readonly readOnly: boolean;
  /** Take an index although some of its manifests are not here. */
  readonly allowMissingManifests: boolean;
  isImmutable(repository: string, tag: string): boolean;
}

export const defaultPolicy: RegistryPolicy = {
  grace: 60 * 60 * 1000,
  // The specification asks for this much at least.
  maximumManifestSize: 4 * 1024 * 1024,
  maximumBlobSize: undefined,
  allowDelete: true,
  readOnly: false,
  allowMissingManifests: false,
  isImmutable: () => false,
};
