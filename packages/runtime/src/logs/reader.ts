import { Readable } from 'node:stream';
import { formatNanos } from '@wharf/base/timestamp';
import { decodeBlock, type LogView } from './decode-block.ts';
import { followLog } from './follow-log.ts';
import { nineDigits, timeOfLine } from './line-time.ts';
import { LogChanges } from './log-changes.ts';
import { allTimes, countLines, findTail, type LogSource, openLogSources, type TimeWindow } from './log-source.ts';

export interface ReadLogs {
  /** The current file; rotated ones lie beside it. It need not exist yet. */
  readonly path: string;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Unix seconds with fraction; 0 is unset. */
  readonly since: number;
  readonly until: number;
  /** RFC 3339 with nine digits of fraction: nothing that was logged later. */
  readonly lastTime?: string | undefined;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** The last lines, counted before any other choice; negative is all. */
  readonly tail: number;
  /** Raw bytes; else stdcopy frames. */
  readonly tty: boolean;
  /** `json`: a JSON object a line instead, as Docker has them since API 1.54. */
  readonly format?: 'json' | undefined;
  /** Goes on with what is written later, until `ended` resolves and all is read. */
  readonly follow: boolean;
  readonly ended?: Promise<unknown>;
  readonly signal?: AbortSignal;
}

/**
 * A container's log as the client reads it, no faster than it reads. Resolves when it is settled where to begin: of a
 * log that is followed, no line that is written from then on is missed. What goes wrong later is the stream's error.
 */
export async function readLogs(options: ReadLogs): Promise<Readable> {
  const stop = new AbortController();
  const log = await openLog(options, stop.signal);
  const chunks = decoded(options, log);
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
      void chunks
        .return(undefined)
        .finally(() => log.resources.disposeAsync())
        .catch(() => {});
      done(error);
    },
  });
  const abort = () => void stream.destroy();
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener('abort', abort, { once: true, signal: stop.signal });
  return stream;
}

async function* decoded(options: ReadLogs, log: OpenLog): AsyncGenerator<Buffer> {
  const { stdout, stderr, timestamps, details, tty, format } = options;
  const since = toTime(options.since);
  const until = options.lastTime ?? toTime(options.until);
  const view: LogView = { stdout, stderr, timestamps, details, tty, since, until, format };
  for await (const text of lines(options, log)) {
    yield* decodeBlock(text, view);
    // Nothing that is written later is of interest.
    if (until !== undefined && (timeOfLine(text) ?? '') > until) return;
  }
}

function toTime(seconds: number): string | undefined {
  if (seconds === 0) return undefined;
  return nineDigits(formatNanos(toNanos(seconds)));
}

function toNanos(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e6)) * 1000n;
}

interface OpenLog {
  readonly sources: readonly LogSource[];
  /** Where the first line is that is wanted. */
  readonly begin: Awaited<ReturnType<typeof findTail>>;
  readonly changes: LogChanges | undefined;
  /** Closes all of it. */
  readonly resources: AsyncDisposableStack;
}

async function openLog({ path, tail, follow, ended }: ReadLogs, stop: AbortSignal): Promise<OpenLog> {
  await using resources = new AsyncDisposableStack();
  // Before the first look, so that no change falls between.
  const changes = follow ? resources.use(new LogChanges(path, ended, stop)) : undefined;
  const sources = await openLogSources(path);
  for (const source of sources) resources.use(source);
  const begin = tail < 0 ? { index: 0, offset: 0, skip: 0 } : await findTail(sources, tail);
  return { sources, begin, changes, resources: resources.move() };
}

/** Blocks of whole lines, as latin1. */
async function* lines(options: ReadLogs, { sources, begin, changes }: OpenLog): AsyncGenerator<string> {
  const times: TimeWindow = {
    since: options.since === 0 ? undefined : toNanos(options.since),
    until: options.until === 0 ? undefined : toNanos(options.until),
  };
  let { offset, skip } = begin;
  for (const source of sources.slice(begin.index)) {
    for await (const text of source.blocks(offset, skip > 0 ? allTimes : times)) {
      const rest = skip > 0 ? dropLines(text, skip) : text;
      skip -= Math.min(skip, countLines(text));
      if (rest !== '') yield rest;
    }
    offset = 0;
  }
  if (!changes) return;
  for await (const { source, position } of followLog(options.path, sources.at(-1), changes)) {
    yield* source.newBlocks(position, times);
  }
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
