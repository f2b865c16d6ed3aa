import type { Platform } from './image-config.ts';

/** Points at content: image-spec/descriptor.md. */
export interface Descriptor {
  mediaType: string;
  /** `sha256:...` */
  digest: string;
  /** Bytes. */
  size: number;
  annotations?: Record<string, string>;
  platform?: Platform;
  urls?: string[];
  artifactType?: string;
}
