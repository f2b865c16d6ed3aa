import type { Duplex } from 'node:stream';
import type { Owner } from '@wharf/base/id-mapping';
import type { Forwarding } from '../logs/drivers/forwarding.ts';

/**
 * What the engine asks of the supervisor: the process that is parent of all containers, owns their stdio and
 * ptys, writes their logs and records their exit codes before it tells anyone. Implemented by SupervisorClient.
 */
export interface Supervisor {
  /**
   * Runs `<runtime> create`: the container's init exists, its program has not started.
   * Rejects with EngineError; reason cmd_not_found / cmd_not_executable where the runtime says so.
   */
  create(request: CreateProcess): Promise<{ pid: number }>;
  /** Lets the created program run. Rejects like `create`. */
  start(id: string): Promise<void>;
  /** Runs one more process in a running container, with its own stdio; resolves when it is running. */
  exec(request: ExecProcess): Promise<{ pid: number }>;
  /** Signals the container's init, or with `all` every process in it. Conflict error if it is not running. */
  kill(id: string, signal: number, options?: { all?: boolean }): Promise<void>;
  /** Signals an exec's process. */
  killExec(id: string, execId: string, signal: number): Promise<void>;
  /** Sets the pty's window size; before the process exists it is remembered and applied. */
  resize(id: string, execId: string | undefined, size: WindowSize): Promise<void>;
  /**
   * A live stream of a container's (or exec's) stdio. Reading yields Docker stdcopy frames without a tty, raw
   * bytes with one; it ends after the last output byte. Writing goes to stdin; `end()` is EOF for it where
   * `stdinOnce` asks so. Allowed before `create` (attach, then start): output begins with the first byte.
   * A slow reader holds the container back (bounded buffers); destroying the stream only detaches.
   */
  attach(id: string, execId: string | undefined, streams: AttachStreams): Promise<Duplex>;
  /** The same of a container, with the place in its log where the stream begins. */
  attachWithLog(id: string, streams: AttachStreams): Promise<{ stream: Duplex; joint: LogJoint | undefined }>;
  /** Exits, in order, each recorded on disk before it is reported; at least once for each process. */
  onExit(listener: (exit: ProcessExit) => void): void;
  /** Everything the supervisor knows, for reconciling after a daemon restart. */
  list(): Promise<readonly ProcessState[]>;
  /** `<runtime> delete --force`, cgroups included, and forgets the container and its exit record. Idempotent. */
  delete(id: string): Promise<void>;
  /** Closes and reopens (rotates) nothing; tells when all output up to the exit has reached the log. */
  drained(id: string): Promise<void>;
  /** Resolves when what a container that has ended wrote is delivered to its log's receiver, or after so many milliseconds; then it is given up. */
  delivered(id: string, patience: number): Promise<void>;
  /** Replaces the supervisor's program in place by execve: same pid, children and descriptors kept. */
  upgrade(): Promise<void>;
  ping(): Promise<{ pid: number; version: string }>;
  close(): void;
}

/** Where a live stream begins in the log: what was stamped until then, and what no line has ended yet, is not in it. */
export interface LogJoint {
  /** RFC 3339 with nine digits of fraction. */
  readonly at: string;
  /** As latin1. */
  readonly unfinished: { readonly stdout: string; readonly stderr: string };
}

export interface ProcessIo {
  readonly tty: boolean;
  /** Keep a stdin open (Docker's OpenStdin); otherwise stdin is /dev/null. */
  readonly stdin: boolean;
  /** Close stdin when the first attached client's ends. */
  readonly stdinOnce: boolean;
  readonly size?: WindowSize;
  /** Whose pipes are; whom the host's root is nothing to can open them again only as their owner. */
  readonly owner?: Owner;
}

export interface CreateProcess {
  readonly id: string;
  /** Directory with config.json. */
  readonly bundle: string;
  readonly runtime: OciRuntimeCommand;
  readonly io: ProcessIo;
  readonly log: LogTarget;
}

export interface ExecProcess {
  readonly id: string;
  readonly execId: string;
  readonly runtime: OciRuntimeCommand;
  /** OCI runtime-spec `process` object. */
  readonly process: object;
  readonly io: ProcessIo;
}

export interface OciRuntimeCommand {
  readonly name: 'crun' | 'runc';
  readonly path: string;
  /** `--root`: the runtime's own state directory, under the daemon's exec-root. */
  readonly root: string;
  readonly args?: readonly string[];
}

/** Where stdout and stderr are logged; `none` drops them. */
export type LogTarget =
  | { readonly driver: 'none' }
  | (LogFiles & { readonly driver: 'json-file' | 'local'; readonly forwarding?: undefined })
  | (LogFiles & {
      readonly driver: 'forward' /** To whom it is delivered besides. */;
      readonly forwarding: Forwarding;
    });

interface LogFiles {
  readonly path: string;
  /** Bytes; undefined is unbounded. */
  readonly maxSize?: number;
  readonly maxFiles?: number;
  readonly compress?: boolean;
  /** Written as `attrs` in each json-file line. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

export interface AttachStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface ProcessExit {
  readonly id: string;
  readonly execId?: string;
  /** Which process it was: a container that was started again is not ended by the exit of the run before. */
  readonly pid?: number;
  /** The code, or 128 + the signal's number. */
  readonly exitCode: number;
  /** RFC 3339 with nanoseconds. */
  readonly exitedAt: string;
  readonly oomKilled: boolean;
}

export interface ProcessState {
  readonly id: string;
  readonly execId?: string;
  readonly pid: number;
  readonly status: 'created' | 'running' | 'exited';
  readonly exit?: ProcessExit;
}
