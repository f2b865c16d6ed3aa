import type { Platform } from '@wharf/oci/platform';
import type { FrontendOptions } from '../frontend-options.ts';
import type { Dockerfile } from '../instructions/instruction.ts';
import type { Linter } from '../lint/linter.ts';
import type { Output, State } from '../llb/vertex.ts';
import type { PatternMatcher } from './ignore-matcher.ts';
import type { ImageDraft } from './stage-state.ts';

export interface ResolvedBase {
  readonly reference: string;
  readonly digest: string;
  readonly config: Record<string, unknown>;
}

/** A build context that stands in for a stage or an image. */
export interface NamedContext {
  readonly state: State;
  readonly image?: ImageDraft;
}

/** What the conversion asks of the builder; the rest of it is pure. */
export interface ConvertResolver {
  resolveImage(reference: string, options: { platform: Platform; logName: string }): Promise<ResolvedBase>;
  /** `paths` is asked when it is known what is read. */
  namedContext(
    name: string,
    options: { platform: Platform; paths: () => readonly string[] },
  ): Promise<NamedContext | undefined>;
  /** The main context, limited to what is read of it. */
  mainContext(paths: () => readonly string[]): Output;
  ignorePatterns(): Promise<readonly string[]>;
}

export interface ConvertContext {
  readonly dockerfile: Dockerfile;
  readonly options: FrontendOptions;
  readonly resolver: ConvertResolver;
  readonly linter: Linter;
  readonly targetPlatform: Platform;
  /** False where no platform was asked for: then the base image's will do. */
  readonly explicitPlatform: boolean;
  readonly globalArgs: ReadonlyMap<string, string>;
  readonly buildContext: Output;
  readonly ignored: PatternMatcher | undefined;
  /** Those that were done, in their order. */
  readonly steps: ConvertedStep[];
}

/** An instruction, and what it added to the files of its stage. */
export interface ConvertedStep {
  /** As it stands in the Dockerfile. */
  readonly code: string;
  readonly isTrigger: boolean;
  /** Of its stage afterwards. */
  readonly state: State;
  /** It is this instruction's own. */
  readonly changed: boolean;
}
