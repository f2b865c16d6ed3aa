import type { BuildRecord, StepParts, StepRead, StepRecord } from '../build-record.ts';
import { alignSteps, type PlacedStep, placeSteps } from './align-steps.ts';
import { compareFiles, type FileIndex } from './compare-files.ts';
import type { Cause, StepExplanation } from './step-explanation.ts';

export interface ExplainedBuild {
  readonly record: BuildRecord;
  readonly steps: readonly StepRecord[];
}

/** What names the files behind the digest of a read; undefined where that is not kept. */
export type FilesOf = (digest: string) => FileIndex | undefined;

const mostFiles = 20;

/** Says of each step of a build why it was cached or not. `earlier` are builds of the same, the newest first. */
export function explainBuild(
  build: ExplainedBuild,
  earlier: readonly ExplainedBuild[],
  filesOf: FilesOf,
): StepExplanation[] {
  const placed = placeSteps(build.steps);
  const compared = earlier.map(({ record, steps }) => {
    const before = placeSteps(steps);
    return { record, pairs: alignSteps(placed, before), byVertex: byVertex(before) };
  });
  const named = byVertex(placed);
  return placed.map((step) => {
    const { vertex, name, outcome, started, completed, error } = step.step;
    const found = compared.find(({ record, pairs }) => pairs.has(step) || isWhole(record));
    const before = found?.pairs.get(step);
    const context = { placed: named, before: found?.byVertex ?? new Map(), filesOf };
    const causes = causesOf(step, { isFirst: earlier.length === 0, before, context });
    return {
      vertex,
      name,
      outcome,
      causes,
      milliseconds: completed - started,
      ...(error !== undefined && { error }),
      ...(found && { comparedWith: found.record.ref }),
    };
  });
}

/** A build that broke off says nothing of the steps that it did not reach. */
function isWhole({ completedAt, error }: BuildRecord): boolean {
  return completedAt !== undefined && error === undefined;
}

interface Context {
  readonly placed: ReadonlyMap<string, PlacedStep>;
  readonly before: ReadonlyMap<string, PlacedStep>;
  readonly filesOf: FilesOf;
}

function causesOf(
  now: PlacedStep,
  { isFirst, before, context }: { isFirst: boolean; before: PlacedStep | undefined; context: Context },
): Cause[] {
  const { parts, outcome } = now.step;
  if (!parts) return sourceCauses(now, before, isFirst);
  const was = before?.step.parts;
  if (outcome === 'cached') return [{ kind: was?.key === parts.key ? 'unchanged' : 'known' }];
  if (parts.ignoresCache) return [{ kind: 'no-cache' }];
  if (isFirst) return [{ kind: 'first-build' }];
  if (!before || !was) return [{ kind: 'new-step' }];
  if (was.key === parts.key) {
    return [{ kind: before.step.outcome === 'ran' || before.step.outcome === 'cached' ? 'pruned' : 'failed-before' }];
  }
  const changes = [
    ...factCauses(now, before, { parts, was }),
    ...fileCauses(parts, was, context),
    ...baseCauses(now, parts, was, context),
  ];
  return changes.length > 0 ? changes : [{ kind: 'new-step' }];
}

/** Images and what else has no cache of its own. */
function sourceCauses(now: PlacedStep, before: PlacedStep | undefined, isFirst: boolean): Cause[] {
  const image = imageOf(now.text);
  const old = before && imageOf(before.text);
  if (image && old && image.digest !== old.digest) {
    return [{ kind: 'base-image', reference: image.reference, before: old.digest, now: image.digest }];
  }
  if (isFirst) return [{ kind: 'first-build' }];
  return [{ kind: before ? 'unchanged' : 'new-step' }];
}

function imageOf(text: string): { reference: string; digest: string } | undefined {
  const [, reference, digest] = /^FROM (\S+?)@(sha256:[0-9a-f]{64})/.exec(text) ?? [];
  return reference !== undefined && digest !== undefined ? { reference, digest } : undefined;
}

function factCauses(
  now: PlacedStep,
  before: PlacedStep,
  { parts, was }: { parts: StepParts; was: StepParts },
): Cause[] {
  const causes: Cause[] = [];
  const names = new Set([...Object.keys(parts.facts), ...Object.keys(was.facts)]);
  const commands = [...names].filter((name) => /^(?:command|action \d+)$/.test(name));
  if (now.text !== before.text || commands.some((name) => parts.facts[name] !== was.facts[name])) {
    causes.push({ kind: 'command', before: before.text, now: now.text });
  }
  for (const name of names) {
    const [fact, old] = [parts.facts[name], was.facts[name]];
    if (fact === old || commands.includes(name)) continue;
    const variable = /^env (.+)$/s.exec(name)?.[1];
    if (variable === undefined) causes.push({ kind: 'setting', name, before: old ?? '', now: fact ?? '' });
    else {
      const change = old === undefined ? 'added' : fact === undefined ? 'removed' : 'changed';
      causes.push({ kind: 'variable', name: variable, change });
    }
  }
  return causes;
}

function fileCauses(parts: StepParts, was: StepParts, { placed, filesOf }: Context): Cause[] {
  return parts.reads.flatMap((read, index): Cause[] => {
    const old = counterpart(read, index, was.reads);
    if (!old || old.digest === read.digest) return [];
    const [files, oldFiles] = [filesOf(read.digest), filesOf(old.digest)];
    const changes = files && oldFiles ? compareFiles(oldFiles, files) : [];
    const from = placed.get(read.input)?.step.name ?? '';
    return [{ kind: 'files', from, changes: changes.slice(0, mostFiles), count: changes.length }];
  });
}

/** The same read of the same path; one that was moved is the one in its place. */
function counterpart(read: StepRead, index: number, before: readonly StepRead[]): StepRead | undefined {
  return before.find(({ path }) => path === read.path) ?? before[index];
}

/** What lies below is another: by another image, or by a step that made something else. */
function baseCauses(now: PlacedStep, parts: StepParts, was: StepParts, { placed, before }: Context): Cause[] {
  if (parts.base.length === was.base.length && parts.base.every((layer, index) => layer === was.base[index])) return [];
  const chain = ancestors(now, placed);
  const image = chain.map(({ text }) => imageOf(text)).find((found) => found !== undefined);
  const images = [...before.values()].map(({ text }) => imageOf(text));
  const old = image && images.find((known) => known?.reference === image.reference);
  const ran = chain.find(({ step }) => step.parts && step.outcome !== 'cached');
  if (ran) return [{ kind: 'input', step: ran.step.name }];
  if (image && old && image.digest !== old.digest) {
    return [{ kind: 'base-image', reference: image.reference, before: old.digest, now: image.digest }];
  }
  return [{ kind: 'input', step: chain[0]?.step.name ?? '' }];
}

/** What lies below a step, from the nearest on. */
function ancestors(now: PlacedStep, placed: ReadonlyMap<string, PlacedStep>): PlacedStep[] {
  const chain: PlacedStep[] = [];
  const seen = new Set<string>();
  for (let step: PlacedStep | undefined = now; step; ) {
    const below: PlacedStep | undefined = step.step.inputs
      .map((vertex) => placed.get(vertex))
      .find((input) => input && !seen.has(input.step.vertex));
    if (below) {
      seen.add(below.step.vertex);
      chain.push(below);
    }
    step = below;
  }
  return chain;
}

function byVertex(steps: readonly PlacedStep[]): Map<string, PlacedStep> {
  return new Map(steps.map((step) => [step.step.vertex, step]));
}
