/**
 * What happens in a build, in the shape of moby.buildkit.v1.StatusResponse, with times in nanoseconds since 1970.
 * Every wire prints its own progress from these.
 */
export type BuildEvent =
  | ({ readonly kind: 'vertex' } & VertexEvent)
  | ({ readonly kind: 'status' } & StatusEvent)
  | ({ readonly kind: 'log' } & LogEvent)
  | ({ readonly kind: 'warning' } & WarningEvent);

/** Sent at first sight, at the start, and at the end; the last one wins. */
export interface VertexEvent {
  readonly digest: string;
  readonly inputs: readonly string[];
  readonly name: string;
  readonly cached: boolean;
  readonly started?: bigint;
  readonly completed?: bigint;
  readonly error?: string;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
}

/** A part of a vertex's work: a layer that is pulled, a file that is sent. */
export interface StatusEvent {
  readonly id: string;
  readonly vertex: string;
  readonly name: string;
  readonly current: number;
  readonly total: number;
  readonly timestamp: bigint;
  readonly started?: bigint;
  readonly completed?: bigint;
}

export interface LogEvent {
  readonly vertex: string;
  /** 1 stdout, 2 stderr. */
  readonly stream: number;
  readonly bytes: Uint8Array;
  readonly timestamp: bigint;
}

export interface WarningEvent {
  readonly vertex: string;
  readonly level: number;
  /** The rule and what it found, in short. */
  readonly short: string;
  readonly detail: readonly string[];
  readonly url: string;
  readonly source?: SourceText;
  readonly ranges: readonly SourceRange[];
}

export interface SourceText {
  readonly filename: string;
  readonly data: Uint8Array;
  readonly language: string;
}

/** Lines from 1, characters from 0, as pb.Range. */
export interface SourceRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

export type ProgressSink = (event: BuildEvent) => void;
