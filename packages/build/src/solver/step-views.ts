import type { Result } from './result.ts';

/** Files of layers or of a directory as directories of this host, for as long as a step runs. Implemented by the engine's snapshots. */
export interface StepViews {
  /** A view goes with the step that it is named after. What is written to it goes as well. */
  open(stepId: string, index: number, tree: Result, options: { writable: boolean }): Promise<string>;
  close(stepId: string, count: number): Promise<void>;
}
