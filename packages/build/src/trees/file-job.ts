import type { ErrorCode } from '@wharf/base/error';
import type { FileStep, TreeLocation } from './file-step.ts';
import type { Selection } from './select.ts';
import type { TreeStat } from './tree-view.ts';

/** What the main thread asks of a file worker, and what that answers. One job at a time. */
export interface FileJobs {
  /** Runs the actions of a FileOp; what they change is in `<workspace>/upper` afterwards. */
  steps: {
    request: {
      /** Layers below, top to bottom. */
      readonly lowers: readonly string[];
      readonly workspace: string;
      readonly sources: readonly TreeLocation[];
      readonly steps: readonly FileStep[];
    };
    answer: null;
  };
  checksum: {
    request: { readonly tree: TreeLocation; readonly workspace: string; readonly selections: readonly Selection[] };
    answer: readonly (
      | { readonly digest: string; readonly entries: readonly (readonly [string, string])[] }
      /** There is nothing under this path. */
      | { readonly missing: string }
    )[];
  };
  read: {
    request: {
      readonly tree: TreeLocation;
      readonly workspace: string;
      readonly path: string;
      readonly offset: number;
      readonly length: number;
    };
    answer: Uint8Array;
  };
  stat: {
    request: {
      readonly tree: TreeLocation;
      readonly workspace: string;
      readonly path: string;
      readonly follow: boolean;
    };
    answer: TreeStat;
  };
  list: {
    request: { readonly tree: TreeLocation; readonly workspace: string; readonly path: string };
    answer: readonly { readonly name: string; readonly stat: TreeStat }[];
  };
  /** Makes an overlay's upper directory a layer: see `tidyUpper`. */
  tidy: {
    request: { readonly upper: string; readonly lowers: readonly string[]; readonly stubs: readonly string[] };
    answer: null;
  };
  /** Another directory with the same files, as hard links but for those younger than `latest`, ns since 1970. */
  clone: { request: { readonly from: string; readonly to: string; readonly latest?: bigint }; answer: null };
  /** What one tree changes of another, as a layer in `to`. */
  diff: {
    request: {
      readonly lower: TreeLocation;
      readonly upper: TreeLocation;
      readonly workspace: string;
      readonly to: string;
    };
    answer: null;
  };
  /** All of a tree as one plain directory, copied. */
  flatten: {
    request: {
      readonly tree: TreeLocation;
      readonly workspace: string;
      readonly selection: Selection;
      readonly to: string;
    };
    answer: null;
  };
  /** Bytes that a layer takes. */
  usage: { request: { readonly directory: string }; answer: number };
}

export type FileJobName = keyof FileJobs;

export type FileRequest = {
  [Name in FileJobName]: { readonly name: Name; readonly request: FileJobs[Name]['request'] };
}[FileJobName];

export type FileAnswer =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly errno?: string };
