import type { ErrorCode } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import type { ExporterRequest } from '../exporters/exporter-request.ts';

/** What is kept of a build, running or over. Its steps and logs lie in files beside it. */
export interface BuildRecord {
  /** The client's reference, or one that was made for it. */
  readonly ref: string;
  /** What the client calls it besides: the `buildid` of a classic build. */
  readonly alias: string;
  /** What people see: the context and the target. */
  readonly name: string;
  /** The same for builds of the same Dockerfile, context and target: what a build is compared with. */
  readonly line: string;
  readonly frontend: string;
  /** As they came, but for what is likely secret. */
  readonly options: Readonly<Record<string, string>>;
  readonly exporters: readonly ExporterRequest[];
  /** What the exporters have told, as `containerimage.digest`. */
  readonly response: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly completedAt?: number;
  readonly error?: BuildFailure;
  readonly steps: StepCounts;
  readonly materials: readonly Material[];
  readonly pinned: boolean;
  /** Counts the changes of a record that is over. */
  readonly generation: number;
  readonly logs?: HistoryBlob;
  readonly provenance?: HistoryBlob;
}

export interface BuildFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** The step that failed. */
  readonly vertex?: string;
}

export interface StepCounts {
  readonly total: number;
  readonly completed: number;
  readonly cached: number;
  readonly warnings: number;
}

/** What came from elsewhere: a base image, a commit, a download. */
export interface Material {
  readonly uri: string;
  /** `sha256:...`, or `sha1:...` of a commit. */
  readonly digest: string;
}

/** A file beside the record, which clients read by its digest. */
export interface HistoryBlob {
  readonly digest: Digest;
  readonly size: number;
}

export type StepOutcome = 'cached' | 'ran' | 'failed' | 'canceled';

/** One vertex of a build that began, and all that its result depends on. */
export interface StepRecord {
  readonly vertex: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outcome: StepOutcome;
  readonly error?: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly completed: number;
  /** Absent for what has no cache of its own: sources and merges. */
  readonly parts?: StepParts;
}

/** What a step's cache key is made of. */
export interface StepParts {
  readonly key: string;
  /** By name, such as `command`, `workdir` or `env NAME`, whose value is here as its hash alone. */
  readonly facts: Readonly<Record<string, string>>;
  /** Layers below, bottom to top. */
  readonly base: readonly Digest[];
  readonly reads: readonly StepRead[];
  /** The build or the step was told to leave the cache alone. */
  readonly ignoresCache: boolean;
}

/** Files that a step reads of one of its inputs. */
export interface StepRead {
  /** The vertex; '' for the empty file system. */
  readonly input: string;
  /** The path, or what it is mounted at. */
  readonly path: string;
  /** Stands for what was found; an index of it may lie in the history. */
  readonly digest: string;
}

/** Running, completed, error or canceled, as filters name it. */
export type BuildStatus = 'running' | 'completed' | 'error' | 'canceled';

/** How far a build is. */
export function statusOf({ completedAt, error }: BuildRecord): BuildStatus {
  if (completedAt === undefined) return 'running';
  if (!error) return 'completed';
  return error.code === 'canceled' ? 'canceled' : 'error';
}
