import type { Digest } from '@wharf/oci/digest';
import type { Vertex } from '../solver/graph.ts';
import type { Material, StepParts } from './build-record.ts';

/** Told by a solver what its steps depend on. */
export interface StepObserver {
  /** Before the cache is asked. */
  keyed(vertex: Vertex, parts: Omit<StepParts, 'facts'>): void;
  /** The files behind the digest of a read: paths, as byte strings, and what stands for each. */
  indexed(digest: string, entries: FileEntries): void;
  material(material: Material): void;
  /** A command has failed, and this is where its files are until the promise resolves. */
  failed?(vertex: Vertex, state: { readonly upper: string; readonly base: readonly Digest[] }): Promise<void>;
}

export type FileEntries = readonly (readonly [path: string, digest: string])[];
