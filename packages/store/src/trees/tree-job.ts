import type { ErrorCode } from '@wharf/base/error';
import type { PathStat } from './path-stat.ts';
import type { FileChange } from './tree-changes.ts';
import type { TreeSource } from './tree-source.ts';
import type { WriteOptions } from './write-tree.ts';

/** What the main thread tells a tree worker. A worker has one tree at a time, and does one thing after another. */
export type TreeRequest =
  | { readonly kind: 'open'; readonly source: TreeSource }
  | { readonly kind: 'stat'; readonly path: string }
  /** Sends the tar of a path; '' is all of the tree. */
  | { readonly kind: 'read'; readonly path: string }
  /** Allows one more chunk. */
  | { readonly kind: 'more' }
  /** Writes the tar of a path to a socket; answers `sent`. */
  | { readonly kind: 'send'; readonly path: string; readonly socket: number; readonly chunked: boolean }
  /** What is being sent fails. */
  | { readonly kind: 'cancel' }
  /** Unpacks a tar that follows in chunks, maybe compressed. */
  | { readonly kind: 'write'; readonly path: string; readonly options: WriteOptions }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  /** Needs no open tree. */
  | { readonly kind: 'changes'; readonly upper: string; readonly lowers: readonly string[] }
  | { readonly kind: 'close' };

export type TreeAnswer =
  /** To `open`, `write` and `end`. */
  | { readonly kind: 'done' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'stat'; readonly stat: PathStat }
  | { readonly kind: 'changes'; readonly changes: readonly FileChange[] }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'sent' }
  | { readonly kind: 'taken'; readonly length: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
