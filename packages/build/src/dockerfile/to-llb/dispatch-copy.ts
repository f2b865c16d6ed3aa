import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import { parseDigest } from '@wharf/oci/digest';
import { gitFragment, parseGitReference } from '../git-reference.ts';
import type { AddInstruction, CopyInstruction } from '../instructions/instruction.ts';
import { rules } from '../lint/rules.ts';
import { type CopyOptions, type FileStep, fileOp } from '../llb/file-op.ts';
import { mergeOp } from '../llb/merge-op.ts';
import { git, http } from '../llb/sources.ts';
import type { State } from '../llb/vertex.ts';
import type { ConvertContext } from './convert-context.ts';
import { commit } from './history.ts';
import { destinationPath, rootedPath } from './paths.ts';
import type { StageState } from './stage-state.ts';
import { displayCommand, nextStepName, stepName } from './vertex-name.ts';

type Copy = AddInstruction | CopyInstruction;

/** `from` is the stage that COPY --from names. */
export function dispatchCopy(
  context: ConvertContext,
  stage: StageState,
  copy: Copy,
  from: StageState | undefined,
): void {
  const { options } = context;
  if (from && !from.dispatched && copy.kind === 'copy') {
    throw invalidArgument(
      `cannot copy from stage "${copy.from}", it needs to be defined before current stage "${stage.displayName}"`,
    );
  }
  const platform = stage.platform!;
  const command = displayCommand(copy.code, stage.env, { escape: context.dockerfile.escapeToken });
  const naming = { multiPlatform: options.multiPlatform, platform };
  const name = nextStepName(stage, command, naming);
  const steps = copySteps(context, stage, copy, { from, name });
  const vertex = { platform, name, ignoreCache: stage.ignoreCache, ranges: copy.ranges };
  if (copy.link && copy.chmod === '') {
    const id = randomUUID();
    const layer = fileOp(undefined, steps, { ...vertex, progressGroup: { id, name, weak: true } });
    stage.state = mergeOp([stage.state, layer], {
      ...vertex,
      name: stepName(stage, `LINK ${command}`, naming),
      progressGroup: { id, name, weak: false },
    });
  } else stage.state = fileOp(stage.state, steps, vertex);
  commit(context, stage, historyOf(copy), 'layer-of-build');
}

interface StepContext {
  readonly from: StageState | undefined;
  readonly name: string;
}

function copySteps(context: ConvertContext, stage: StageState, copy: Copy, { from, name }: StepContext): FileStep[] {
  checkChecksum(copy);
  const dest = destinationPath(stage.cwd, copy.destination);
  const common = commonOptions(copy);
  const single: CopyOptions = { ...common, createDestPath: true };
  const steps = copy.sources.map((source): FileStep => {
    const remote = remoteSource(copy, source, name);
    if (remote)
      return { kind: 'copy', dest, options: { ...single, ...remote.options }, from: remote.state, src: remote.src };
    checkIgnored(context, copy, source);
    (from ? from.paths : stage.contextPaths).add(posix.join('/', source));
    const { src, includePatterns } = pivot(copy, source);
    const tree: CopyOptions = {
      ...single,
      followSymlink: true,
      dirCopyContents: true,
      attemptUnpack: copy.kind === 'add' && copy.unpack !== false,
      allowWildcard: true,
      allowEmptyWildcard: true,
      includePatterns,
    };
    return { kind: 'copy', from: from ? from.state : context.buildContext, src, dest, options: tree };
  });
  for (const { path, content } of copy.inline) {
    const file: FileStep = { kind: 'mkfile', path: `/${path}`, mode: 0o644, data: Buffer.from(content) };
    const made = fileOp(undefined, [file], { platform: stage.platform!, name: '[internal] preparing inline document' });
    steps.push({ kind: 'copy', from: made, src: `/${path}`, dest, options: single });
  }
  return steps;
}

function commonOptions({ chown, chmod, exclude }: Copy): CopyOptions {
  return {
    ...(chown === '' ? {} : { owner: chown }),
    ...(chmod === '' ? {} : { mode: parseChmod(chmod) }),
    ...(exclude.length === 0 ? {} : { excludePatterns: exclude }),
  };
}

const symbolicMode = /^[ugoa]*[-+=][rwxXst]*(?:[-+=][rwxXst]*|,[ugoa]*[-+=][rwxXst]*)*$/;

function parseChmod(text: string): number | string {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode <= 0o7777) return mode;
  } else if (symbolicMode.test(text)) return text;
  throw invalidArgument(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
}

function checkChecksum(copy: Copy): void {
  if (copy.kind !== 'add' || copy.checksum === '') return;
  if (copy.sources.length !== 1) throw invalidArgument("checksum can't be specified for multiple sources");
  const source = copy.sources[0]!;
  if (!isUrl(source) && !parseGitReference(source)) {
    throw invalidArgument("checksum can't be specified for non-HTTP(S) sources");
  }
  if (isUrl(source) && !parseGitReference(source)) parseDigest(copy.checksum);
}

function isUrl(source: string): boolean {
  return /^https?:\/\//.test(source);
}

interface RemoteSource {
  readonly state: State;
  readonly src: string;
  readonly options: CopyOptions;
}

/** A repository or a file of the web, for ADD only. */
function remoteSource(copy: Copy, source: string, name: string): RemoteSource | undefined {
  const reference = source.startsWith('github.com/') ? undefined : parseGitReference(source);
  if (reference) {
    if (copy.kind !== 'add') throw invalidArgument("source can't be a git ref for COPY");
    const checksum = copy.checksum || reference.checksum;
    const state = git(reference.remote, gitFragment(reference), {
      name,
      keepGitDir: copy.keepGitDir ?? reference.keepGitDir ?? false,
      ...(checksum === '' ? {} : { checksum }),
      skipSubmodules: reference.submodules === false,
    });
    return { state, src: '/', options: { dirCopyContents: true } };
  }
  if (!isUrl(source)) return undefined;
  if (copy.kind !== 'add') throw invalidArgument("source can't be a URL for COPY");
  const filename = filenameOf(source);
  const state = http(source, { name, filename, ...(copy.checksum === '' ? {} : { checksum: copy.checksum }) });
  // What comes from the web is unpacked only where it is asked for.
  return { state, src: `/${filename}`, options: { attemptUnpack: copy.unpack === true } };
}

function filenameOf(url: string): string {
  try {
    return posix.basename(decodeURIComponent(new URL(url).pathname)) || '__unnamed__';
  } catch {
    return '__unnamed__';
  }
}

/** `--parents`: directories of the source are kept, from `/./` on where there is one. */
function pivot(copy: Copy, source: string): { src: string; includePatterns: string[] } {
  if (copy.kind !== 'copy' || !copy.parents) return { src: rootedPath(source), includePatterns: [] };
  const at = source.indexOf('/./');
  const [base, pattern] = at < 0 ? ['/', source] : [source.slice(0, at), source.slice(at + 3)];
  return { src: rootedPath(base), includePatterns: [rootedPath(pattern).slice(1)] };
}

/** Exceptions (`!`) make it too hard to tell: then nothing is said. */
function checkIgnored({ ignored, linter }: ConvertContext, copy: Copy, source: string): void {
  if (!ignored || ignored.hasExceptions || (copy.kind === 'copy' && copy.from !== '')) return;
  const path = posix.normalize(source).replace(/^\//, '').replace(/\/$/, '');
  if (ignored.matches(path)) {
    linter.report(rules.copyIgnoredFile, copy.ranges, copy.kind === 'add' ? 'Add' : 'Copy', posix.normalize(source));
  }
}

function historyOf(copy: Copy): string {
  const words: string[] = [copy.kind.toUpperCase()];
  if (copy.kind === 'copy' && copy.parents) words.push('--parents');
  if (copy.chown !== '') words.push(`--chown=${copy.chown}`);
  if (copy.chmod !== '') words.push(`--chmod=${copy.chmod}`);
  words.push(...copy.sources, ...copy.inline.map(({ path }) => `<<${path}`), copy.destination);
  return words.join(' ');
}
