import { invalidArgument } from '@wharf/base/error';
import { parseReference } from '@wharf/oci/reference';
import type { Dockerfile, Stage, StageInstruction } from '../instructions/instruction.ts';
import { mountSource } from '../instructions/mount.ts';
import { parseInstruction } from '../instructions/parse-instruction.ts';
import type { Linter } from '../lint/linter.ts';
import { rules } from '../lint/rules.ts';
import { parsePlatform } from '../parse-platform.ts';
import { parseDockerfile } from '../parser/parser.ts';
import { type Expansion, expand, expandWord, type Variables } from '../shell-lex.ts';
import { locate, locating, SourceError } from '../source-error.ts';
import { didYouMean } from '../suggest.ts';
import { createStageState, type OutlineEntry, type PlannedInstruction, type StageState } from './stage-state.ts';

const steps = new Set<StageInstruction['kind']>(['add', 'copy', 'run', 'workdir']);

/** Stages in the order of the file, then the images that they copy or mount from. */
export class StagePlan {
  readonly states: StageState[] = [];
  readonly #byName = new Map<string, StageState>();

  add(state: StageState): void {
    this.states.push(state);
    state.base = this.#byName.get(state.baseName.toLowerCase());
    if (state.stage?.name) this.#byName.set(state.stage.name, state);
  }

  find(name: string): StageState | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  last(): StageState {
    return this.states.findLast(({ stage }) => stage !== undefined)!;
  }

  /** A stage by name or number, else an image of that name. */
  source(name: string, ranges: StageState['ranges']): StageState {
    if (/^\d+$/.test(name)) {
      const state = this.states[Number(name)];
      if (!state?.stage) throw invalidArgument(`invalid stage index ${name}`);
      return state;
    }
    const found = this.find(name);
    if (found) return found;
    const known = this.states.find(({ stage, baseName }) => !stage && baseName === name);
    if (known) return known;
    const image = createStageState({ stage: undefined, displayName: '', baseName: name, ranges });
    this.add(image);
    return image;
  }

  planInstruction(state: StageState, instruction: StageInstruction, isTrigger: boolean): PlannedInstruction {
    const sources = locating(instruction.ranges, () => this.#sourcesOf(instruction));
    for (const source of sources) if (source) state.dependencies.add(source);
    return { instruction, sources, isTrigger };
  }

  #sourcesOf(instruction: StageInstruction): (StageState | undefined)[] {
    if (instruction.kind === 'copy') {
      return instruction.from === '' ? [] : [this.source(instruction.from, instruction.ranges)];
    }
    if (instruction.kind !== 'run') return [];
    return instruction.mounts.map(mountSource).map((from) => {
      return from === '' || from === 'scratch' ? undefined : this.source(from, instruction.ranges);
    });
  }

  /** ONBUILD instructions come before the stage's own. */
  planTriggers(state: StageState, triggers: readonly string[]): void {
    const planned = triggers.map((trigger) => {
      try {
        const { nodes } = parseDockerfile(trigger);
        if (nodes.length !== 1) throw invalidArgument('onbuild trigger should be a single expression');
        const instruction = parseInstruction({ ...nodes[0]!, ranges: state.ranges });
        return this.planInstruction(state, instruction as StageInstruction, true);
      } catch (thrown) {
        throw new SourceError((thrown as Error).message, state.ranges, { cause: thrown });
      }
    });
    state.instructions = [...planned, ...state.instructions];
    state.total += planned.filter(({ instruction }) => steps.has(instruction.kind)).length;
  }
}

/** Builds the plan: which stage bases on which, and what each needs of others. */
export function planStages(dockerfile: Dockerfile, globalArgs: Variables, linter: Linter): StagePlan {
  const plan = new StagePlan();
  for (const [index, stage] of dockerfile.stages.entries())
    plan.add(planStage(stage, index, { dockerfile, globalArgs, linter }));
  for (const state of [...plan.states]) {
    state.instructions = state.stage!.instructions.map((instruction) =>
      plan.planInstruction(state, instruction, false),
    );
    const ownSteps = state.stage!.instructions.filter(({ kind }) => steps.has(kind)).length;
    state.total = ownSteps + (state.base === undefined && state.baseName !== 'scratch' ? 1 : 0);
  }
  checkCircles(plan.states);
  if (plan.states.length === 1) plan.states[0]!.displayName = '';
  return plan;
}

interface PlanContext {
  readonly dockerfile: Dockerfile;
  readonly globalArgs: Variables;
  readonly linter: Linter;
}

function planStage(stage: Stage, index: number, context: PlanContext): StageState {
  return locating(stage.ranges, () => {
    const lex = { escape: context.dockerfile.escapeToken };
    const base = expand(stage.base, context.globalArgs, lex);
    reportUndeclared(base, stage, context);
    if (base.word === '') throw invalidArgument(`base name (${stage.base}) should not be blank`);
    const displayName = stage.name === '' ? `stage-${index}` : stage.name;
    const state = createStageState({ stage, displayName, baseName: base.word, ranges: stage.ranges });
    for (const name of base.matched) state.outline.usedArgs.add(name);
    if (stage.platform !== '') {
      const platform = expand(stage.platform, context.globalArgs, lex);
      reportUndeclared(platform, stage, context);
      checkPlatformFlag(stage, platform, context);
      for (const name of platform.matched) state.outline.usedArgs.add(name);
      state.platform = platformOf(stage, platform, context.globalArgs);
    }
    return state;
  });
}

function platformOf(stage: Stage, expanded: Expansion, globalArgs: Variables) {
  const suggestion = [...expanded.unmatched].map((name) => didYouMean(name, globalArgs.keys())).find(Boolean) ?? '';
  if (expanded.word === '')
    throw invalidArgument(`empty platform value from expression ${stage.platform}${suggestion}`);
  try {
    return parsePlatform(expanded.word);
  } catch (thrown) {
    throw locate(thrown, stage.ranges, `failed to parse platform ${stage.platform}: `);
  }
}

function reportUndeclared({ unmatched }: Expansion, { ranges }: Stage, { globalArgs, linter }: PlanContext): void {
  for (const name of unmatched) {
    linter.report(rules.undefinedArgInFrom, ranges, name, didYouMean(name, globalArgs.keys()));
  }
}

function checkPlatformFlag(
  stage: Stage,
  { word, matched, unmatched }: Expansion,
  { globalArgs, linter }: PlanContext,
): void {
  const target = globalArgs.get('TARGETPLATFORM');
  if (matched.size === 1 && unmatched.size === 0 && matched.has('TARGETPLATFORM') && word === target) {
    linter.report(rules.redundantTargetPlatform, stage.ranges, stage.platform);
  }
  if (matched.size > 0 || unmatched.size > 0) return;
  try {
    const { os, architecture } = parsePlatform(word);
    if (stage.name.includes(os) || stage.name.includes(architecture)) return;
    linter.report(rules.fromPlatformFlagConstDisallowed, stage.ranges, word);
  } catch {
    // What is no platform fails a moment later, with its own words.
  }
}

/** The global arguments by their values, and what is to be said of them by `--call outline`. */
export function evaluateGlobalArgs(
  { globalArgs, escapeToken }: Dockerfile,
  predefined: Variables,
  given: Variables,
): { values: Map<string, string>; outline: Map<string, OutlineEntry> } {
  const values = new Map(predefined);
  const outline = new Map<string, OutlineEntry>();
  for (const { args, ranges } of globalArgs) {
    for (const { key, value, comment } of args) {
      const result =
        given.get(key) ??
        (value === undefined
          ? values.get(key)
          : locating(ranges, () => expandWord(value, values, { escape: escapeToken })));
      if (result !== undefined) values.set(key, result);
      outline.set(key, { name: key, value: result ?? '', description: comment, ranges });
    }
  }
  return { values, outline };
}

/** Base images have to be named even where no build argument is given. */
export function checkDefaultBases(dockerfile: Dockerfile, predefined: Variables, linter: Linter): void {
  try {
    const { values } = evaluateGlobalArgs(dockerfile, predefined, new Map());
    for (const { base, ranges } of dockerfile.stages) {
      const { word } = expand(base, values, { escape: dockerfile.escapeToken });
      if (!isReference(word)) linter.report(rules.invalidDefaultArgInFrom, ranges, base);
    }
  } catch {
    // An argument that cannot be expanded fails the build, with a place.
  }
}

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

function checkCircles(states: readonly StageState[]): void {
  const done = new Set<StageState>();
  const path = new Set<StageState>();
  const visit = (state: StageState): void => {
    if (path.has(state)) {
      throw new SourceError(`circular dependency detected on stage: ${state.displayName}`, state.ranges);
    }
    if (done.has(state)) return;
    path.add(state);
    for (const next of state.dependencies) visit(next);
    if (state.base) visit(state.base);
    path.delete(state);
    done.add(state);
  };
  for (const state of states) visit(state);
}

/** All that `target` needs, itself among it. */
export function reachableFrom(target: StageState): Set<StageState> {
  const found = new Set<StageState>();
  const visit = (state: StageState): void => {
    if (found.has(state)) return;
    found.add(state);
    if (state.base) visit(state.base);
    for (const dependency of state.dependencies) visit(dependency);
  };
  visit(target);
  return found;
}
