import { lstatSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { parseDockerignore } from '@wharf/base/ignore/dockerignore';
import { createMatcher } from '@wharf/base/ignore/pattern-matcher';
import { formatTarHeader, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';
import { membersBelow } from '../copy/read-local.ts';
import { ExitError } from '../exit-error.ts';

const ignoreFile = '.dockerignore';

/** What is sent to be built from, as a tar. */
export interface BuildContext {
  readonly body: AsyncIterable<Uint8Array>;
  /** The Dockerfile's name in it. */
  readonly dockerfile: string;
}

/**
 * A directory without what its .dockerignore names. A Dockerfile from elsewhere (`file`), or of standard input
 * (`text`), goes along under a name of its own.
 */
export function directoryContext(directory: string, given: { file: string; text?: Buffer }): BuildContext {
  const root = resolve(directory);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ExitError(1, `unable to prepare context: path ${JSON.stringify(directory)} not found`);
  }
  const { dockerfile, extra } = given.text
    ? { dockerfile: ownName(), extra: given.text }
    : chooseDockerfile(root, given.file);
  const patterns = ignorePatterns(root, dockerfile);
  const ignore = createMatcher([...patterns, `!${ignoreFile}`, ...(extra ? [] : [`!${dockerfile}`])]);
  return { dockerfile, body: streamed(archive(root, { dockerfile, extra, patterns, ignore })) };
}

/** One Dockerfile and nothing to copy from. */
export function dockerfileContext(text: Buffer): BuildContext {
  return { dockerfile: 'Dockerfile', body: streamed([...fileMember('Dockerfile', text), tarTrailer()]) };
}

async function* streamed(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function ownName(): string {
  return `.dockerfile.${crypto.randomUUID().replaceAll('-', '').slice(0, 20)}`;
}

function chooseDockerfile(root: string, file: string): { dockerfile: string; extra?: Buffer } {
  const path = file === '' ? join(root, 'Dockerfile') : resolve(file);
  const within = relative(root, path);
  if (!lstatSync(path, { throwIfNoEntry: false })) {
    const older = join(root, 'dockerfile');
    if (file === '' && lstatSync(older, { throwIfNoEntry: false })) return { dockerfile: 'dockerfile' };
    throw new ExitError(
      1,
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
    );
  }
  if (!isAbsolute(within) && within !== '..' && !within.startsWith(`..${sep}`)) return { dockerfile: within };
  return { dockerfile: ownName(), extra: readFileSync(path) };
}

/** Of `NAME.dockerignore` beside the Dockerfile where that is, else of the context's own. */
function ignorePatterns(root: string, dockerfile: string): string[] {
  for (const name of [`${dockerfile}${ignoreFile}`, ignoreFile]) {
    const path = join(root, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return parseDockerignore(readFileSync(path, 'utf8'));
  }
  return [];
}

interface Contents {
  readonly dockerfile: string;
  readonly extra: Buffer | undefined;
  readonly patterns: readonly string[];
  readonly ignore: ReturnType<typeof createMatcher>;
}

function* archive(root: string, { dockerfile, extra, patterns, ignore }: Contents): Generator<Uint8Array> {
  const exceptions = ignore.patterns.filter(({ exception }) => exception).map(({ text }) => text);
  const anywhere = exceptions.some((text) => /[*?[\\]/.test(text));
  yield* membersBelow(root, (name) => {
    if (extra && name === ignoreFile) return 'leave';
    if (!ignore.matches(name)) return 'take';
    // What is below may be excepted.
    return anywhere || exceptions.some((text) => text.startsWith(`${name}/`)) ? 'skip' : 'leave';
  });
  if (extra) {
    yield* fileMember(dockerfile, extra);
    // What is there for the build alone is nothing that it may copy.
    yield* fileMember(ignoreFile, Buffer.from([...patterns, dockerfile, ''].join('\n')));
  }
  yield tarTrailer();
}

function* fileMember(name: string, content: Buffer): Generator<Uint8Array> {
  yield formatTarHeader({ type: 'file', name, mode: 0o600, uid: 0, gid: 0, mtime: 0n, size: content.length });
  yield content;
  yield tarPadding(content.length);
}
