import type { NullDevices } from '@wharf/sys/null-device';
import type { Reactor } from '@wharf/sys/reactor';
import type { JoinableContainers } from '../direct-exec/joinable-containers.ts';
import type { Children } from './children.ts';
import type { ContainerCgroups } from './container-cgroups.ts';
import type { ContainerRecords } from './container-records.ts';
import type { ExitRecords } from './exit-records.ts';
import type { LogForwarder } from './log-forwarder.ts';
import type { ProcessTable } from './managed-process.ts';
import type { ScratchFiles } from './scratch-files.ts';
import type { StdioDeps } from './stdio.ts';
import type { ProcessExit } from './supervisor.ts';
import type { Tidier } from './tidier.ts';

/** What the supervisor is made of; each verb names what it uses. */
export interface SupervisorDeps {
  readonly reactor: Reactor;
  readonly processes: ProcessTable;
  readonly exits: ExitRecords;
  readonly containers: ContainerRecords;
  readonly stdio: StdioDeps;
  /** Tells the clients, after the exit is on disk. */
  readonly publish: (exit: ProcessExit) => void;
  readonly warn: (message: string, error: unknown) => void;
  readonly children: Children;
  readonly tidier: Tidier;
  readonly scratchFiles: ScratchFiles;
  readonly cgroups: ContainerCgroups;
  readonly forwarder: LogForwarder;
  readonly nullDevices: NullDevices;
  readonly joinable: JoinableContainers;
  readonly logScratch: Buffer;
  /** Writes a compressed copy of a rotated file of `log`. */
  readonly compress: (source: string, target: string, log: string) => Promise<void>;
}
