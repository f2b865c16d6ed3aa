import type { FaultPoint } from '@wharf/base/fault-point';
import type { KeyedLock } from '@wharf/base/keyed-lock';
import type { Logger } from '@wharf/base/logger';
import type { Networking } from '@wharf/network/networking';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { Supervisor } from '@wharf/runtime/supervisor/supervisor';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { ImageStore } from '@wharf/store/images/image-store';
import type { Database } from '@wharf/store/metadata/database';
import type { Snapshotter } from '@wharf/store/snapshots/snapshotter';
import type { ContainerTrees } from '@wharf/store/trees/container-trees';
import type { VolumeStore } from '@wharf/store/volumes/volume-store';
import type { ContainerStore } from './containers/container-store.ts';
import type { HealthMonitor } from './containers/health.ts';
import type { Removals } from './containers/removals.ts';
import type { Restarts } from './containers/restarts.ts';
import type { Teardowns } from './containers/teardowns.ts';
import type { HostFacts } from './containers/validate/host-facts.ts';
import type { Waits } from './containers/waits.ts';
import type { EngineConfig } from './engine-config.ts';
import type { EngineRuntime } from './engine-runtime.ts';
import type { EventBus } from './events.ts';
import type { ExecStore } from './exec/exec-store.ts';

/** What the engine is made of; each verb names the few of these that it uses. */
export interface EngineDeps {
  readonly config: EngineConfig;
  readonly logger: Logger;
  /** Names each step that changes something, so that tests can kill the daemon there. */
  readonly fault: FaultPoint;
  /** By the names that HostConfig.Runtime may say. */
  readonly runtimes: Readonly<Record<string, EngineRuntime>>;
  readonly hostFacts: HostFacts;
  readonly database: Database;
  readonly images: ImageStore;
  /** Of the image store, for what makes images. */
  readonly imageParts: ImageParts;
  readonly transfers: Transfers;
  readonly snapshots: Snapshotter;
  readonly volumes: VolumeStore;
  readonly networking: Networking;
  readonly supervisor: Supervisor;
  readonly events: EventBus;
  readonly trees: ContainerTrees;
  readonly warmer: Warmer;
}

/** Keeps the kernel quick at starting processes while a start is likely: CgroupWarmer. */
export interface Warmer {
  /** A start is likely within so many milliseconds. */
  warm(milliseconds: number): void;
  /** A start is under way, until disposed. */
  hold(): Disposable;
}

/** What the container and exec verbs share besides. */
export interface ContainerDeps extends EngineDeps {
  readonly containers: ContainerStore;
  /** By container id: start, exit, pause, rename and remove of one container take turns. */
  readonly locks: KeyedLock;
  readonly waits: Waits;
  readonly restarts: Restarts;
  readonly teardowns: Teardowns;
  readonly execs: ExecStore;
  readonly health: HealthMonitor;
  readonly removals: Removals;
}
