import type { Vertex } from '../solver/graph.ts';
import type { Material, StepParts } from './build-record.ts';

/** Told by a solver what its steps depend on. */
export interface StepObserver {
  /** Before the cache is asked. */
  keyed(vertex: Vertex, parts: Omit<StepParts, 'facts'>): void;
  /** The files behind the digest of a read: paths, as byte strings, and what stands for each. */
  indexed(digest: string, entries: FileEntries): void;
  material(material: Material): void;
}

export type FileEntries = readonly (readonly [path: string, digest: string])[];
