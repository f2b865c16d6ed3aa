import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { ContentStore } from '../content/content-store.ts';
import type { Leases } from '../content/leases.ts';
import type { LayerStore } from '../layers/layer-store.ts';
import type { Collection, Database } from '../metadata/database.ts';
import type { ImageCatalog } from './image-catalog.ts';

/** What the image store's verbs share. */
export interface ImageParts {
  readonly database: Database;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly leases: Leases;
  readonly catalog: ImageCatalog;
  /** By id. */
  readonly images: Collection<StoredImage>;
  /** By canonical reference. */
  readonly tags: Collection<StoredTag>;
  /** By canonical reference: pulls that are under way or were broken off. */
  readonly pulls: Collection<UnfinishedPull>;
  /** By digest: what is known of a layer's blob. */
  readonly blobSources: Collection<BlobSources>;
  /** By diffId: what a layer that is kept plain became when it was pushed. */
  readonly compressedLayers: Collection<CompressedLayer>;
}

export interface UnfinishedPull {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Of blobs and layers. */
  readonly digests: readonly Digest[];
}

export interface BlobSources {
  /** `docker.io/library/busybox`, the latest first. */
  readonly repositories: readonly string[];
  /** What it unpacks to, where that has been seen. */
  readonly diffId?: Digest;
}

export interface CompressedLayer {
  readonly digest: Digest;
  readonly size: number;
  readonly compression: 'gzip';
}

/** An image is what its target says; everything else is in the content store. */
export interface StoredImage {
  /** Digest of the target. */
  readonly id: Digest;
  readonly target: Descriptor;
  /** RFC 3339. */
  readonly lastTagTime: string;
}

export interface StoredTag {
  /** `docker.io/library/busybox:latest`. */
  readonly reference: string;
  readonly imageId: Digest;
}
