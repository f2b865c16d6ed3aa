import type { Digest } from '@wharf/oci/digest';

/** Files of layers as directories of this host, for as long as a step runs. Implemented by the engine's snapshots. */
export interface StepViews {
  /** A view goes with the step that it is named after. */
  open(stepId: string, index: number, layers: readonly Digest[], options: { writable: boolean }): Promise<string>;
  close(stepId: string, count: number): Promise<void>;
}
