import type { Digest } from '@wharf/oci/digest';
import type { BuildLimits } from './build-limits.ts';

/** One more file system in a step's root. Sources are paths of this host that exist. */
export interface StepMount {
  readonly kind: 'bind' | 'tmpfs';
  /** Absolute, in the step. */
  readonly target: string;
  /** '' for a tmpfs. */
  readonly source: string;
  readonly readOnly: boolean;
  /** Bytes; 0 leaves it to the kernel. */
  readonly size: number;
}

export interface StepRequest {
  /** Unique; also the name of its cgroup. */
  readonly id: string;
  /** Below what it writes, bottom to top. */
  readonly layers: readonly Digest[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly hostname: string;
  readonly network: 'default' | 'none' | 'host';
  readonly insecure: boolean;
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  /** Bytes; 0 is the daemon's default. */
  readonly shmSize: number;
  readonly limits: BuildLimits;
  readonly mounts: readonly StepMount[];
  readonly signal: AbortSignal;
  /** 1 stdout, 2 stderr. */
  readonly onOutput: (stream: number, bytes: Uint8Array) => void;
}

export interface FinishedStep {
  readonly exitCode: number;
  /** What it wrote, in overlayfs' form, until `release`. */
  readonly upper: string;
  /** Where the runtime may have left empty files and directories. */
  readonly stubs: readonly string[];
  /** Idempotent. */
  release(): Promise<void>;
}

/** Runs a command in the files of some layers. Implemented by the engine. */
export interface StepRunner {
  /** Rejects where it cannot be begun, and with the signal's reason once that is aborted: then nothing goes on. */
  run(request: StepRequest): Promise<FinishedStep>;
}
