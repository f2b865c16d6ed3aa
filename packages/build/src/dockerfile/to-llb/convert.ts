import { invalidArgument } from '@wharf/base/error';
import { createMatcher } from '@wharf/base/ignore/pattern-matcher';
import { normalizePlatform, type Platform } from '@wharf/oci/platform';
import type { FrontendOptions } from '../frontend-options.ts';
import type { Dockerfile } from '../instructions/instruction.ts';
import { parseStages } from '../instructions/parse-stages.ts';
import { checkStages } from '../lint/check-stages.ts';
import type { Linter } from '../lint/linter.ts';
import type { State } from '../llb/vertex.ts';
import { parseDockerfile } from '../parser/parser.ts';
import { locate, SourceError } from '../source-error.ts';
import { didYouMean } from '../suggest.ts';
import type { ConvertContext, ConvertedStep, ConvertResolver } from './convert-context.ts';
import { dispatch } from './dispatch.ts';
import { setWorkdir } from './dispatch-config.ts';
import { neededPaths } from './paths.ts';
import { checkDefaultBases, evaluateGlobalArgs, planStages, reachableFrom, type StagePlan } from './plan-stages.ts';
import { predefinedArgs } from './platform-args.ts';
import { emptyImage, resolveBase } from './resolve-base.ts';
import type { ImageDraft, StageState } from './stage-state.ts';

export interface ConvertRequest {
  readonly text: string;
  readonly options: FrontendOptions;
  readonly resolver: ConvertResolver;
  readonly linter: Linter;
  /** undefined where none was asked for. */
  readonly platform: Platform | undefined;
  /** Checks look at stages that the target does not need as well. */
  readonly allStages?: boolean;
}

export interface Converted {
  readonly state: State;
  readonly image: ImageDraft;
  readonly baseImage: Record<string, unknown> | undefined;
  readonly target: StageState;
  readonly steps: readonly ConvertedStep[];
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Makes a build graph and an image's config of a Dockerfile. */
export async function convert(request: ConvertRequest): Promise<Converted> {
  const { text, options, resolver, linter } = request;
  if (text === '') throw new SourceError('the Dockerfile cannot be empty', []);
  const file = parseDockerfile(text);
  const dockerfile = parseStages(file);
  checkStages(dockerfile, file, linter);
  const targetPlatform = request.platform ?? options.buildPlatform;
  const targetName = options.target || dockerfile.stages.at(-1)!.name;
  const predefined = predefinedArgs(options.buildPlatform, targetPlatform, targetName);
  for (const name of predefined.keys()) {
    const given = options.buildArgs.get(name);
    if (given !== undefined) predefined.set(name, given);
  }
  checkDefaultBases(dockerfile, predefined, linter);
  const { values: globalArgs, outline } = evaluateGlobalArgs(dockerfile, predefined, options.buildArgs);
  const plan = planStages(dockerfile, globalArgs, linter);
  for (const state of plan.states) for (const [name, entry] of outline) state.outline.args.set(name, entry);
  const target = findTarget(plan, options.target);
  const ignorePatterns = await resolver.ignorePatterns();
  const context: ConvertContext = {
    dockerfile,
    options,
    resolver,
    linter,
    targetPlatform,
    explicitPlatform: request.platform !== undefined,
    globalArgs,
    buildContext: resolver.mainContext(() => neededPaths(contextPaths(plan))),
    ignored: ignorePatterns.length > 0 ? createMatcher(ignorePatterns) : undefined,
    steps: globalSteps(dockerfile),
  };
  await useNamedStages(context, plan);
  const needed = await resolveNeeded(context, plan, target, request.allStages ?? false);
  for (const state of plan.states) if (needed.has(state)) dispatchStage(context, state);
  target.paths.add('/');
  linter.throwIfAsked();
  return finish(context, target);
}

function contextPaths(plan: StagePlan): Set<string> {
  return new Set(plan.states.flatMap(({ contextPaths: paths }) => [...paths]));
}

function findTarget(plan: StagePlan, name: string): StageState {
  if (name === '') return plan.last();
  const found = plan.find(name) ?? (/^\d+$/.test(name) ? plan.states[Number(name)] : undefined);
  if (found?.stage) return found;
  const names = plan.states.map(({ stage }) => stage?.name ?? '').filter(Boolean);
  throw invalidArgument(`target stage "${name}" could not be found${didYouMean(name, names)}`);
}

/** A build context of a stage's name takes the stage's place. */
async function useNamedStages({ resolver, targetPlatform }: ConvertContext, { states }: StagePlan): Promise<void> {
  await Promise.all(
    states.map(async (state) => {
      const name = state.stage?.name;
      if (!name || name === 'scratch' || name === 'context') return;
      const platform = state.platform ?? targetPlatform;
      const named = await resolver.namedContext(name, { platform, paths: () => neededPaths(state.paths) });
      if (!named) return;
      state.state = named.state;
      state.image = named.image ?? emptyImage(targetPlatform);
      state.platform = namedPlatform(named.image) ?? platform;
      state.dependencies.clear();
      state.base = undefined;
      state.resolved = true;
      state.dispatched = true;
    }),
  );
}

function namedPlatform(image: ImageDraft | undefined): Platform | undefined {
  if (!image?.os || !image.architecture) return undefined;
  const { os, architecture, variant } = image;
  return normalizePlatform({ os, architecture, ...(variant ? { variant } : {}) });
}

/** Base images of all that the target needs; triggers of these may need more. */
async function resolveNeeded(
  context: ConvertContext,
  plan: StagePlan,
  target: StageState,
  allStages: boolean,
): Promise<Set<StageState>> {
  const names = plan.states.map(({ displayName }) => displayName).filter(Boolean);
  for (;;) {
    const needed = allStages ? new Set(plan.states) : reachableFrom(target);
    const unresolved = [...needed].filter(({ resolved, base }) => !resolved && base === undefined);
    for (const state of unresolved) state.resolved = true;
    await Promise.all(unresolved.map((state) => resolveBase(context, state, names)));
    for (const state of unresolved) if (!state.stage) state.dispatched = true;
    let planned = false;
    for (const state of plan.states) {
      if (!needed.has(state) || state.triggersPlanned || state.dispatched) continue;
      state.triggersPlanned = true;
      const triggers = state.base ? ownTriggers(state.base) : (state.image.config.OnBuild ?? []);
      if (triggers.length === 0) continue;
      plan.planTriggers(state, triggers);
      planned = true;
    }
    if (!planned) return needed;
  }
}

function ownTriggers({ instructions }: StageState): string[] {
  return instructions.flatMap(({ instruction }) => (instruction.kind === 'onbuild' ? [instruction.trigger] : []));
}

function dispatchStage(context: ConvertContext, state: StageState): void {
  if (state.dispatched) return;
  state.dispatched = true;
  state.ignoreCache = context.options.isNoCache(state.stage?.name ?? '');
  if (state.base) inherit(state, state.base);
  if (state.stage) {
    const { code } = state.stage;
    context.steps.push({ code, isTrigger: false, state: state.state, changed: state.base === undefined });
  }
  state.platform ??= context.targetPlatform;
  const { config } = state.image;
  delete config.OnBuild;
  const env = config.Env ?? [];
  const hasPath = env.some((entry) => entry.startsWith('PATH='));
  config.Env = hasPath || state.platform.os === 'windows' ? env : [...env, `PATH=${defaultPath}`];
  for (const entry of config.Env) {
    const equals = entry.indexOf('=');
    state.env.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  if (config.WorkingDir) setWorkdir(state, config.WorkingDir);
  if (config.User) state.user = config.User;
  for (const planned of state.instructions) {
    const before = state.state;
    try {
      dispatch(context, state, planned);
    } catch (thrown) {
      throw locate(thrown, planned.instruction.ranges);
    }
    const { code } = planned.instruction;
    context.steps.push({ code, isTrigger: planned.isTrigger, state: state.state, changed: state.state !== before });
  }
}

function inherit(state: StageState, base: StageState): void {
  state.state = base.state;
  state.platform = base.platform;
  state.image = structuredClone(base.image);
  state.baseImage = base.baseImage;
  state.env = new Map(base.env);
  state.paths = base.paths;
  state.workdirSet = base.workdirSet;
  state.args.push(...base.args);
}

function globalSteps({ globalArgs }: Dockerfile): ConvertedStep[] {
  return globalArgs.map(({ code }) => ({ code, isTrigger: false, state: undefined, changed: false }));
}

function finish(context: ConvertContext, target: StageState): Converted {
  const { options, targetPlatform, explicitPlatform, steps } = context;
  const { image } = target;
  if (options.labels.size > 0) image.config.Labels = { ...image.config.Labels, ...Object.fromEntries(options.labels) };
  if (explicitPlatform) {
    const { os, architecture, variant } = targetPlatform;
    delete (image as { variant?: string }).variant;
    Object.assign(image, { os, architecture, ...(variant ? { variant } : {}) });
  }
  image.config = withoutEmpty(image.config);
  return { state: target.state, image, baseImage: target.baseImage, target, steps };
}

/** As Go's `omitempty` has it: what was cleared is not there. */
function withoutEmpty(config: ImageDraft['config']): ImageDraft['config'] {
  const isEmpty = (value: unknown) =>
    value === '' || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(config).filter(([, value]) => !isEmpty(value)));
}
