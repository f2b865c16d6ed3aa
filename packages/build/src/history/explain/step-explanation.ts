import type { StepOutcome } from '../build-record.ts';
import type { FileChange } from './compare-files.ts';

/** Why a step was, or was not, taken from the cache. */
export type Cause =
  /** Nothing that it depends on has changed. */
  | { readonly kind: 'unchanged' }
  /** It is as an earlier build, but not the last one, has made it. */
  | { readonly kind: 'known' }
  | { readonly kind: 'first-build' }
  | { readonly kind: 'new-step' }
  | { readonly kind: 'no-cache' }
  | { readonly kind: 'command'; readonly before: string; readonly now: string }
  | { readonly kind: 'variable'; readonly name: string; readonly change: 'added' | 'changed' | 'removed' }
  | { readonly kind: 'setting'; readonly name: string; readonly before: string; readonly now: string }
  | { readonly kind: 'base-image'; readonly reference: string; readonly before: string; readonly now: string }
  /** A step before it has made something else. */
  | { readonly kind: 'input'; readonly step: string }
  | { readonly kind: 'files'; readonly from: string; readonly changes: readonly FileChange[]; readonly count: number }
  /** It is as the last build has made it, which is no longer there. */
  | { readonly kind: 'pruned' }
  | { readonly kind: 'failed-before' };

export interface StepExplanation {
  readonly vertex: string;
  readonly name: string;
  readonly outcome: StepOutcome;
  /** The first is the one that people need to know. */
  readonly causes: readonly Cause[];
  readonly milliseconds: number;
  readonly error?: string;
  /** The build that it was compared with. */
  readonly comparedWith?: string;
}
