import type { Selection } from './select.ts';

/** Where a tree's files are. */
export type TreeLocation =
  /** Layers, top to bottom. */
  | { readonly kind: 'layers'; readonly directories: readonly string[] }
  | { readonly kind: 'directory'; readonly path: string };

/** One action of a FileOp, as the worker gets it. Paths are byte strings, times nanoseconds since 1970. */
export type FileStep = CopyStep | MakeFileStep | MakeDirectoryStep | RemoveStep | SymlinkStep;

export interface CopyStep {
  readonly kind: 'copy';
  /** Index into the job's sources. */
  readonly source: number;
  readonly selection: Selection;
  readonly allowEmpty: boolean;
  readonly destination: string;
  readonly createParents: boolean;
  readonly contents: boolean;
  readonly unpack: boolean;
  readonly owner: OwnerLookup | undefined;
  readonly mode: string | undefined;
  readonly mtime: bigint | undefined;
  readonly replace: boolean;
}

export interface MakeFileStep {
  readonly kind: 'mkfile';
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
  readonly owner: OwnerLookup | undefined;
  readonly mtime: bigint | undefined;
}

export interface MakeDirectoryStep {
  readonly kind: 'mkdir';
  readonly path: string;
  readonly mode: number;
  readonly parents: boolean;
  readonly owner: OwnerLookup | undefined;
  readonly mtime: bigint | undefined;
}

export interface RemoveStep {
  readonly kind: 'rm';
  readonly path: string;
  readonly allowNotFound: boolean;
  readonly wildcard: boolean;
}

export interface SymlinkStep {
  readonly kind: 'symlink';
  readonly target: string;
  readonly path: string;
  readonly owner: OwnerLookup | undefined;
  readonly mtime: bigint | undefined;
}

/** Numbers, or names to be looked up in a tree's /etc/passwd and /etc/group. */
export interface OwnerLookup {
  readonly user: string | number;
  /** undefined: the user's own. */
  readonly group: string | number | undefined;
  /** A source, or the tree that is changed. */
  readonly source: number | 'target';
}
