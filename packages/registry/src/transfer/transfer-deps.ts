import type { FaultPoint } from '@wharf/base/fault-point';
import type { Logger } from '@wharf/base/logger';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { RegistryClient } from '../client/registry-client.ts';
import type { DownloadLimits } from './download-blob.ts';

/** What moving images needs. */
export interface TransferDeps {
  readonly parts: ImageParts;
  readonly client: RegistryClient;
  readonly fault: FaultPoint;
  readonly logger: Logger;
  /** Asked at each use: a reload may change it. */
  readonly limits: () => TransferLimits;
}

export interface TransferLimits {
  /** Layers fetched at once. */
  readonly downloads: number;
  /** Layers sent at once. */
  readonly uploads: number;
  /** Times that something is tried before it counts as failed. */
  readonly attempts: number;
  readonly download?: Partial<DownloadLimits>;
}
