import type { ContainerDefaults, HistoryEntry, ImageConfig } from '@wharf/oci/image-config';
import type { Platform } from '@wharf/oci/platform';
import type { ArgDeclaration, Stage, StageInstruction } from '../instructions/instruction.ts';
import type { State } from '../llb/vertex.ts';
import type { SourceRange } from '../source-error.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export type ImageDraft = Mutable<Omit<Partial<ImageConfig>, 'config' | 'history'>> & {
  config: Mutable<ContainerDefaults>;
  history: HistoryEntry[];
};

/** What an argument, secret or ssh agent is used for: `--call outline` lists them. */
export interface OutlineEntry {
  readonly name: string;
  readonly value?: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly ranges: readonly SourceRange[];
}

export interface Outline {
  readonly args: Map<string, OutlineEntry>;
  readonly usedArgs: Set<string>;
  readonly secrets: Map<string, OutlineEntry>;
  readonly ssh: Map<string, OutlineEntry>;
}

/** An instruction with the stages that it copies or mounts from. */
export interface PlannedInstruction {
  readonly instruction: StageInstruction;
  readonly sources: readonly (StageState | undefined)[];
  readonly isTrigger: boolean;
}

/** A stage on its way to a result. */
export interface StageState {
  /** undefined for an image that is only copied or mounted from. */
  readonly stage: Stage | undefined;
  /** As progress calls it; '' for the only stage. */
  displayName: string;
  baseName: string;
  readonly ranges: readonly SourceRange[];
  base: StageState | undefined;
  readonly dependencies: Set<StageState>;
  instructions: PlannedInstruction[];
  state: State;
  image: ImageDraft;
  baseImage: Record<string, unknown> | undefined;
  platform: Platform | undefined;
  /** Variables that instructions see: the image's, then ENV and ARG. */
  env: Map<string, string>;
  cwd: string;
  user: string;
  readonly args: ArgDeclaration[];
  readonly outline: Outline;
  /** Of the build context, as absolute paths. */
  readonly contextPaths: Set<string>;
  /** Of this stage's result, by those that copy from it. */
  paths: Set<string>;
  ignoreCache: boolean;
  resolved: boolean;
  dispatched: boolean;
  triggersPlanned: boolean;
  total: number;
  index: number;
  inTrigger: boolean;
  workdirSet: boolean;
  readonly once: Map<'cmd' | 'entrypoint' | 'healthcheck', readonly SourceRange[]>;
}

export function createStageState(init: Pick<StageState, 'stage' | 'displayName' | 'baseName' | 'ranges'>): StageState {
  return {
    ...init,
    base: undefined,
    dependencies: new Set(),
    instructions: [],
    state: undefined,
    image: { config: {}, history: [] },
    baseImage: undefined,
    platform: undefined,
    env: new Map(),
    cwd: '/',
    user: '',
    args: [],
    outline: { args: new Map(), usedArgs: new Set(), secrets: new Map(), ssh: new Map() },
    contextPaths: new Set(),
    paths: new Set(),
    ignoreCache: false,
    resolved: false,
    dispatched: false,
    triggersPlanned: false,
    total: 0,
    index: 0,
    inTrigger: false,
    workdirSet: false,
    once: new Map(),
  };
}
