import { ExitError } from '../exit-error.ts';
import type { PackageMirror } from './package-mirror.ts';

export interface RootRequest {
  readonly suite: string;
  readonly mirror: PackageMirror;
  readonly variant: string;
  readonly include: readonly string[];
  readonly components: readonly string[];
  /** Debian's word: `amd64`. */
  readonly architecture: string;
  /** The tar that is made. */
  readonly target: string;
  readonly onLine: (line: string) => void;
}

/**
 * Makes the tar of a distribution's root from its packages, by mmdebstrap: same packages, same bytes. Times are the
 * suite's own, and nothing in it is this machine's.
 */
export async function makeRoot(request: RootRequest): Promise<void> {
  const { suite, mirror, variant, include, components, architecture, target } = request;
  if (Bun.which('mmdebstrap') === null) {
    throw new ExitError(1, 'this takes mmdebstrap, which is not here: apt-get install mmdebstrap');
  }
  const command = [
    ...['mmdebstrap', '--mode=auto', `--variant=${variant}`, `--architectures=${architecture}`, '--format=tar'],
    ...[`--components=${components.join(' ')}`, '--skip=output/dev'],
    ...(include.length > 0 ? [`--include=${include.join(',')}`] : []),
    ...[suite, target, mirror.url],
  ];
  const child = Bun.spawn(command, {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(mirror.date.getTime() / 1000)), LC_ALL: 'C' },
  });
  const errors: string[] = [];
  for await (const line of linesOf(child.stderr)) {
    if (line.startsWith('E:')) errors.push(line.slice(2).trim());
    request.onLine(line);
  }
  if ((await child.exited) === 0) return;
  throw new ExitError(1, `mmdebstrap: ${errors[0] ?? `exit status ${child.exitCode}`}`);
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]+/);
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}
