import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ExitError } from '../exit-error.ts';
import { isTerminal } from '../terminal/terminal.ts';
import type { BuildSettings } from './build-settings.ts';
import { collect, readInput } from './standard-input.ts';

/** Where the builder finds context and Dockerfile. */
export interface LocalInputs {
  /** Directories of this machine, by the names that the builder asks for. */
  readonly directories: Map<string, string>;
  /** Options of the frontend that say so. */
  readonly attributes: Record<string, string>;
  /** An archive of standard input, which is the context. */
  readonly upload: AsyncIterable<Uint8Array> | undefined;
}

const remote = /^(?:https?|git|ssh):\/\/|^[\w-]+@[\w.-]+:|^github\.com\//;

/** Whether a context is no directory of this machine. */
export function isRemoteContext(context: string): boolean {
  return remote.test(context);
}

/** Throws where there is no such directory or Dockerfile. What is written here for the build goes with `held`. */
export async function prepareInputs(settings: BuildSettings, held: DisposableStack): Promise<LocalInputs> {
  const { context, file, fileText } = settings;
  const inputs = { directories: new Map<string, string>(), attributes: {}, upload: undefined };
  if (context === '-') return await fromStdin(settings, inputs, held);
  const text = fileText ?? (file === '-' ? (await collect(stdin())).toString() : undefined);
  if (isRemoteContext(context)) {
    const attributes = { context: context.replace(/^github\.com\//, 'https://github.com/') };
    if (text === undefined) return { ...inputs, attributes: { ...attributes, filename: file || 'Dockerfile' } };
    inputs.directories.set('dockerfile', ownDirectory(held, text));
    return { ...inputs, attributes: { ...attributes, filename: 'Dockerfile', dockerfilekey: 'dockerfile' } };
  }
  const directory = resolve(context);
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    const why = stat ? 'not a directory' : 'not found';
    throw new ExitError(1, `ERROR: unable to prepare context: path ${JSON.stringify(context)} ${why}`);
  }
  inputs.directories.set('context', directory);
  if (text !== undefined) {
    inputs.directories.set('dockerfile', ownDirectory(held, text));
    return { ...inputs, attributes: { filename: 'Dockerfile' } };
  }
  const path = chooseFile(directory, file);
  inputs.directories.set('dockerfile', dirname(path));
  return { ...inputs, attributes: { filename: basename(path) } };
}

function stdin(): AsyncIterator<Uint8Array> {
  return Bun.stdin.stream()[Symbol.asyncIterator]();
}

/** A Dockerfile that is nowhere else. */
function ownDirectory(held: DisposableStack, text: string): string {
  const directory = emptyDirectory(held);
  writeFileSync(join(directory, 'Dockerfile'), text);
  return directory;
}

function emptyDirectory(held: DisposableStack): string {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-build-'));
  held.defer(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function chooseFile(directory: string, file: string): string {
  const path = file === '' ? join(directory, 'Dockerfile') : resolve(file);
  if (statSync(path, { throwIfNoEntry: false })) return path;
  const older = join(directory, 'dockerfile');
  if (file === '' && statSync(older, { throwIfNoEntry: false })) return older;
  const place = statSync(dirname(path), { throwIfNoEntry: false }) ? basename(path) : path;
  throw new ExitError(1, `ERROR: failed to solve: failed to read dockerfile: open ${place}: no such file or directory`);
}

/** An archive is the context; anything else is a Dockerfile without one. */
async function fromStdin(settings: BuildSettings, inputs: LocalInputs, held: DisposableStack): Promise<LocalInputs> {
  if (settings.file === '-') {
    throw new ExitError(1, "ERROR: invalid argument: can't use stdin for both build context and dockerfile");
  }
  if (isTerminal(0)) throw new ExitError(1, 'ERROR: nothing to build from: standard input is a terminal');
  const { archive, text } = await readInput(Bun.stdin.stream());
  if (archive) return { ...inputs, attributes: { filename: settings.file || 'Dockerfile' }, upload: archive };
  if (settings.file !== '') {
    throw new ExitError(1, 'ERROR: ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles');
  }
  inputs.directories.set('context', emptyDirectory(held));
  inputs.directories.set('dockerfile', ownDirectory(held, text));
  return { ...inputs, attributes: { filename: 'Dockerfile' } };
}
