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
