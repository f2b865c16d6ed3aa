import type { Descriptor } from '@wharf/oci/descriptor';
import type { Platform } from '@wharf/oci/image-config';

export type StringMap = Record<string, string>;

/** The platform manifest that a container was made from. */
export interface ImageManifestDescriptor extends Descriptor {
  platform?: Platform;
}
