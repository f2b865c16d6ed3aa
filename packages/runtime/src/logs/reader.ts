import { Readable } from 'node:stream';
import { formatNanos } from '@wharf/base/timestamp';
import { decodeBlock, type LogView } from './decode-block.ts';
import { LogChanges } from './log-changes.ts';
import { countLines, findTail, inodeOf, type LogSource, openLogSources, openSource } from './log-source.ts';

export interface ReadLogs {
  /** The current file; rotated ones lie beside it. It need not exist yet. */
  readonly path: string;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Unix seconds with fraction; 0 is unset. */
  readonly since: number;
  readonly until: number;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** The last lines, counted before any other choice; negative is all. */
  readonly tail: number;
  /** Raw bytes; else stdcopy frames. */
  readonly tty: boolean;
  /** Goes on with what is written later, until `ended` resolves and all is read. */
  readonly follow: boolean;
  readonly ended?: Promise<unknown>;
  readonly signal?: AbortSignal;
}

/** A container's log as the client reads it, no faster than it reads. What goes wrong is the stream's error. */
export function readLogs(options: ReadLogs): Readable {
  const stop = new AbortController();
  const chunks = decoded(options, stop.signal);
  let reading = false;
  const read = async (stream: Readable) => {
    if (reading) return;
    reading = true;
    try {
      for (let wanted = true; wanted && !stop.signal.aborted; ) {
        const { value, done } = await chunks.next();
        wanted = stream.push(done ? null : value) && !done;
      }
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    } finally {
      reading = false;
    }
  };
  const stream = new Readable({
    read: () => void read(stream),
    destroy(error, done) {
      stop.abort();
      chunks.return(undefined).catch(() => {});
      done(error);
    },
  });
  const abort = () => void stream.destroy();
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener('abort', abort, { once: true, signal: stop.signal });
  return stream;
}

async function* decoded(options: ReadLogs, stop: AbortSignal): AsyncGenerator<Buffer> {
  const { stdout, stderr, timestamps, details, tty } = options;
  const since = toTime(options.since);
  const until = toTime(options.until);
  const view: LogView = { stdout, stderr, timestamps, details, tty, since, until };
  for await (const text of lines(options, stop)) yield* decodeBlock(text, view);
}

function toTime(seconds: number): string | undefined {
  if (seconds === 0) return undefined;
  const [whole = '', fraction = '.'] = formatNanos(BigInt(Math.round(seconds * 1e6)) * 1000n)
    .slice(0, -1)
    .split('.');
  return `${whole}.${fraction.replace('.', '').padEnd(9, '0')}Z`;
}

/** Blocks of whole lines, as latin1. */
async function* lines(options: ReadLogs, stop: AbortSignal): AsyncGenerator<string> {
  const { path, tail, follow, ended } = options;
  // Before the first look, so that no change falls between.
  using changes = follow ? new LogChanges(path, ended, stop) : undefined;
  await using open = new AsyncDisposableStack();
  const sources = await openLogSources(path);
  for (const source of sources) open.use(source);
  const begin = tail < 0 ? { index: 0, offset: 0, skip: 0 } : await findTail(sources, tail);
  let { offset, skip } = begin;
  for (const source of sources.slice(begin.index)) {
    for await (const text of source.blocks(offset)) {
      const rest = skip > 0 ? dropLines(text, skip) : text;
      skip -= Math.min(skip, countLines(text));
      if (rest !== '') yield rest;
    }
    offset = 0;
  }
  if (changes) yield* followed(path, sources.at(-1), changes);
}

function dropLines(text: string, count: number): string {
  let at = 0;
  for (let dropped = 0; dropped < count; dropped++) {
    const newline = text.indexOf('\n', at);
    if (newline < 0) return '';
    at = newline + 1;
  }
  return text.slice(at);
}

async function* followed(path: string, last: LogSource | undefined, changes: LogChanges): AsyncGenerator<string> {
  await using open = new AsyncDisposableStack();
  let source = last;
  let position = last?.position ?? 0;
  for (;;) {
    const { over } = changes;
    const inode = await inodeOf(path);
    if (!source) {
      source = await openSource(path);
      if (source) open.use(source);
    }
    if (source) {
      // After the look at the name: what a rotated file got last is in it by now.
      yield* source.blocks(position);
      position = source.position;
    }
    if (source && inode !== undefined && inode !== source.inode) {
      source = await sourceAfter(path, source.inode);
      if (source) open.use(source);
      position = 0;
      continue;
    }
    if (over) return;
    await changes.next();
  }
}

/** The file that was begun when this one was rotated: if several rotations have passed, a rotated one itself. */
async function sourceAfter(path: string, inode: number): Promise<LogSource | undefined> {
  for (let number = 1; ; number++) {
    const found = await inodeOf(`${path}.${number}`);
    if (found === undefined) return openSource(path);
    if (found === inode) return openSource(number === 1 ? path : `${path}.${number - 1}`);
  }
}
