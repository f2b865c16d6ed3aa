import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { Reference } from '@wharf/oci/reference';
import type { ArchiveLayer } from './archive-members.ts';

/** What an archive says is in it, checked, and not yet in the store. */
export interface LoadedImage {
  readonly target: Descriptor;
  readonly names: readonly Reference[];
  /** Manifests, configs and other small content. */
  readonly blobs: ReadonlyMap<Digest, Buffer>;
  readonly layers: readonly ArchiveLayer[];
}
