import type { Digest } from '@wharf/oci/digest';
import { layerDirectory } from '@wharf/store/layers/layer-directory';
import type { TreeLocation } from '../trees/file-step.ts';

/** Files that a vertex stands for. */
export type Result =
  /** Bottom to top; none is the empty file system. */
  | { readonly kind: 'layers'; readonly layers: readonly Digest[] }
  /** A directory of the client, or one that was made for this build alone. */
  | { readonly kind: 'directory'; readonly path: string };

export const emptyResult: Result = { kind: 'layers', layers: [] };

export function locationOf(dataRoot: string, result: Result): TreeLocation {
  if (result.kind === 'directory') return { kind: 'directory', path: result.path };
  return { kind: 'layers', directories: layerPaths(dataRoot, result.layers) };
}

/** Top to bottom, as overlayfs wants them. */
export function layerPaths(dataRoot: string, layers: readonly Digest[]): string[] {
  return layers.map((diffId) => layerDirectory(dataRoot, diffId)).reverse();
}
