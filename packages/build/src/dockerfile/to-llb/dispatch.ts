import type { InstructionOf, StageInstruction } from '../instructions/instruction.ts';
import { rules } from '../lint/rules.ts';
import { looksSecret } from '../lint/secret-names.ts';
import { expand, type ShellLexOptions } from '../shell-lex.ts';
import { didYouMean } from '../suggest.ts';
import type { ConvertContext } from './convert-context.ts';
import {
  dispatchCommand,
  dispatchEnv,
  dispatchExpose,
  dispatchHealthcheck,
  dispatchLabel,
  dispatchStopSignal,
  dispatchWorkdir,
} from './dispatch-config.ts';
import { dispatchCopy } from './dispatch-copy.ts';
import { dispatchRun } from './dispatch-run.ts';
import { commit } from './history.ts';
import type { PlannedInstruction, StageState } from './stage-state.ts';

/** Arguments that steer the build and are no variables. */
const steering = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

/** Does one instruction: to the stage's files, its config and its history. */
export function dispatch(context: ConvertContext, stage: StageState, planned: PlannedInstruction): void {
  const { instruction, sources } = planned;
  stage.inTrigger = planned.isTrigger;
  const variables = new Expander(context, stage, instruction);
  switch (instruction.kind) {
    case 'run':
      dispatchRun(context, stage, instruction, { sources, expandValue: (value) => variables.word(value) });
      break;
    case 'add':
    case 'copy':
      dispatchCopy(context, stage, variables.copy(instruction), sources[0]);
      break;
    case 'env':
      dispatchEnv(context, stage, { ...instruction, pairs: variables.pairs(instruction.pairs) });
      break;
    case 'label':
      dispatchLabel(context, stage, { ...instruction, pairs: variables.pairs(instruction.pairs) });
      break;
    case 'arg':
      dispatchArg(context, stage, instruction, variables);
      break;
    case 'cmd':
    case 'entrypoint':
      dispatchCommand(context, stage, instruction);
      break;
    case 'healthcheck':
      dispatchHealthcheck(context, stage, instruction);
      break;
    case 'expose':
      dispatchExpose(context, stage, instruction, variables.words(instruction.ports));
      break;
    case 'workdir':
      dispatchWorkdir(context, stage, { ...instruction, path: variables.word(instruction.path) });
      break;
    case 'stopsignal':
      dispatchStopSignal(context, stage, variables.word(instruction.signal));
      break;
    case 'user':
      dispatchUser(context, stage, variables.word(instruction.user));
      break;
    case 'volume':
      dispatchVolume(
        context,
        stage,
        instruction.paths.map((path) => variables.word(path)),
      );
      break;
    case 'shell':
      stage.image.config.Shell = instruction.command;
      commit(context, stage, `SHELL [${instruction.command.join(' ')}]`, 'empty');
      break;
    case 'maintainer':
      stage.image.author = instruction.maintainer;
      commit(context, stage, `MAINTAINER ${instruction.maintainer}`, 'empty');
      break;
    case 'onbuild':
      stage.image.config.OnBuild = [...(stage.image.config.OnBuild ?? []), instruction.trigger];
  }
}

/** Replaces variables, and reports those that nobody has set. */
class Expander {
  readonly #context: ConvertContext;
  readonly #stage: StageState;
  readonly #instruction: StageInstruction;

  constructor(context: ConvertContext, stage: StageState, instruction: StageInstruction) {
    this.#context = context;
    this.#stage = stage;
    this.#instruction = instruction;
  }

  word(text: string): string {
    return this.#expand(text, { escape: this.#context.dockerfile.escapeToken }).word;
  }

  words(texts: readonly string[]): string[] {
    return texts.flatMap((text) => this.#expand(text, { escape: this.#context.dockerfile.escapeToken }).words);
  }

  pairs<Pair extends { readonly key: string; readonly value: string }>(pairs: readonly Pair[]) {
    return pairs.map(({ key, value }) => ({ key: this.word(key), value: this.word(value) }));
  }

  copy<Copy extends InstructionOf<'add' | 'copy'>>(copy: Copy): Copy {
    return {
      ...copy,
      sources: copy.sources.map((source) => this.word(source)),
      destination: this.word(copy.destination),
      chown: this.word(copy.chown),
      chmod: this.word(copy.chmod),
      exclude: copy.exclude.map((pattern) => this.word(pattern)),
      ...(copy.kind === 'add' ? { checksum: this.word(copy.checksum) } : {}),
      inline: copy.inline.map((file) => ({
        ...file,
        path: this.word(file.path),
        content: file.expand ? this.#expand(file.content, { plainQuotes: true }).word : file.content,
      })),
    };
  }

  #expand(text: string, options: ShellLexOptions) {
    const { env, args } = this.#stage;
    const expanded = expand(text, env, options);
    for (const name of expanded.unmatched) {
      if (steering.has(name) || args.some(({ key }) => key === name)) continue;
      const suggestion = didYouMean(name, env.keys()).replace('did you mean ', 'did you mean $');
      this.#context.linter.report(rules.undefinedVar, this.#instruction.ranges, name, suggestion);
    }
    return expanded;
  }
}

function dispatchArg(
  context: ConvertContext,
  stage: StageState,
  { args, ranges }: InstructionOf<'arg'>,
  variables: Expander,
): void {
  const shown = args.map((arg) => {
    const { key, comment } = arg;
    if (looksSecret(key)) context.linter.report(rules.secretsUsedInArgOrEnv, ranges, 'ARG', key);
    const given = context.options.buildArgs.get(key);
    const inherited = arg.value === undefined && given === undefined;
    const value = given ?? (arg.value === undefined ? context.globalArgs.get(key) : variables.word(arg.value));
    if (value !== undefined && !steering.has(key)) stage.env.set(key, value);
    if (!inherited || value === undefined) {
      stage.outline.args.set(key, { name: key, value: value ?? '', description: comment, ranges });
    }
    stage.outline.usedArgs.add(key);
    stage.args.push({ key, value, comment });
    return value === undefined ? key : `${key}=${value}`;
  });
  commit(context, stage, `ARG ${shown.join(' ')}`, 'empty');
}

function dispatchUser(context: ConvertContext, stage: StageState, user: string): void {
  stage.user = user;
  stage.image.config.User = user;
  commit(context, stage, `USER ${user}`, 'empty');
}

function dispatchVolume(context: ConvertContext, stage: StageState, paths: readonly string[]): void {
  const added = Object.fromEntries(paths.map((path) => [path, {}]));
  stage.image.config.Volumes = { ...stage.image.config.Volumes, ...added };
  commit(context, stage, `VOLUME [${paths.join(' ')}]`, 'empty');
}
