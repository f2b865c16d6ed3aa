import type { StepRecord } from '../build-record.ts';

/** A step of a Dockerfile, by the stage that it is in. */
export interface PlacedStep {
  readonly step: StepRecord;
  readonly stage: string;
  readonly index: number;
  /** The instruction. */
  readonly text: string;
}

const place = /^\[(?:(.*) )? *(\d+)\/\d+\] (.*)$/s;
/** Stages longer than that are compared place by place. */
const mostAligned = 1000;

/** The steps that a Dockerfile says, in its order; undefined stands for what the builder does besides. */
export function placeSteps(steps: readonly StepRecord[]): PlacedStep[] {
  const placed = steps.flatMap((step): PlacedStep[] => {
    const [, stage = '', index = '', text = ''] = place.exec(step.name) ?? [];
    return index === '' ? [] : [{ step, stage: stage.trim(), index: Number(index), text }];
  });
  const stages = new Map([...placed.keys()].map((at) => [placed[at]!.stage, at]).reverse() as [string, number][]);
  const first = (stage: string) => stages.get(stage) ?? 0;
  return placed.sort((a, b) => first(a.stage) - first(b.stage) || a.index - b.index);
}

/**
 * Which step of an earlier build each step of this one is. Instructions that are the same belong together in their
 * order; of what lies between, the first belongs to the first: one that was rewritten.
 */
export function alignSteps(
  now: readonly PlacedStep[],
  before: readonly PlacedStep[],
): ReadonlyMap<PlacedStep, PlacedStep> {
  const pairs = new Map<PlacedStep, PlacedStep>();
  for (const stage of new Set(now.map((step) => step.stage))) {
    const inStage = (step: PlacedStep) => step.stage === stage;
    alignStage(now.filter(inStage), before.filter(inStage), pairs);
  }
  return pairs;
}

function alignStage(now: PlacedStep[], before: PlacedStep[], pairs: Map<PlacedStep, PlacedStep>): void {
  const same = now.length > mostAligned || before.length > mostAligned ? [] : longestCommon(now, before);
  let [at, then] = [0, 0];
  for (const [nextNow, nextBefore] of [...same, [now.length, before.length] as const]) {
    const gap = Math.min(nextNow - at, nextBefore - then);
    for (let each = 0; each < gap; each++) pairs.set(now[at + each]!, before[then + each]!);
    if (nextNow < now.length) pairs.set(now[nextNow]!, before[nextBefore]!);
    [at, then] = [nextNow + 1, nextBefore + 1];
  }
}

/** Places of the longest sequence of instructions that both have. */
function longestCommon(a: readonly PlacedStep[], b: readonly PlacedStep[]): [number, number][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const equal = a[i]!.text === b[j]!.text;
      lengths[i]![j] = equal ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const places: [number, number][] = [];
  for (let [i, j] = [0, 0]; i < a.length && j < b.length; ) {
    if (a[i]!.text === b[j]!.text) places.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return places;
}
