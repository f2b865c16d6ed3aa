import type { KeyedLock } from '@wharf/base/keyed-lock';
import type { Logger } from '@wharf/base/logger';
import type { VolumeStore } from '@wharf/store/volumes/volume-store';
import type { EventPublisher } from '../events.ts';

/** What the volume verbs need. */
export interface VolumeDeps {
  readonly volumes: VolumeStore;
  readonly events: EventPublisher;
  readonly locks: KeyedLock;
  readonly logger: Logger;
}
