import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { EngineError } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import { ConnectionFailure, RegistryError } from '../client/registry-error.ts';
import { pause, type Wait, waitAfter } from '../client/retry.ts';
import { BlobRanges, type Stretch } from './blob-ranges.ts';

/** Opens the blob at an offset; `partial` says whether the answer begins there or at the first byte. */
export type OpenBlob = (range: {
  offset: number;
  end: number | undefined;
  signal: AbortSignal;
}) => Promise<{ response: Response; partial: boolean }>;

export interface DownloadOptions {
  readonly digest: Digest;
  readonly size: number;
  /** Where the bytes go, and what is known of them. */
  readonly part: { readonly file: string; readonly ranges: string };
  readonly open: OpenBlob;
  readonly attempts: number;
  readonly signal: AbortSignal;
  /** The first time, tells what an earlier fetch had left. */
  readonly onProgress: (received: number) => void;
  /** So many bytes may be read from the file's beginning. */
  readonly onGrown: (contiguous: number) => void;
  readonly onWait?: (wait: Wait) => void;
  readonly limits?: Partial<DownloadLimits>;
}

export interface DownloadLimits {
  /** At once, for one blob. */
  readonly connections: number;
  /** Bytes that are worth a connection of their own. */
  readonly smallestSplit: number;
  /** Milliseconds that a blob has to take before it gets another connection. */
  readonly patience: number;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly silence: number;
  /** Bytes a second, over `silence`, below which it does. */
  readonly slowest: number;
}

const defaults: DownloadLimits = {
  connections: 4,
  smallestSplit: 8 << 20,
  patience: 1500,
  silence: 30_000,
  slowest: 256,
};

const writeSize = 512 << 10;
/** A failure after so much progress is not the last one's repetition. */
const goodProgress = 64 << 10;
const saveEvery = 8 << 20;
const smallestWindow = 16 << 10;

/**
 * Fetches a blob into a file: what is there already is kept, a broken connection goes on where it stopped, and a blob
 * that takes long is fetched over several connections, each giving half of its rest to the next. The bytes are not
 * checked here: who reads them compares their digest.
 */
export async function downloadBlob(options: DownloadOptions): Promise<void> {
  const limits = { ...defaults, ...options.limits };
  await using file = await open(options.part.file, (await exists(options.part.file)) ? 'r+' : 'w+', 0o600);
  const ranges = BlobRanges.restore(options.size, tryRead(options.part.ranges), (await file.stat()).size);
  const download = new Download(options, limits, { file, ranges });
  options.onProgress(ranges.received);
  if (ranges.contiguous > 0) options.onGrown(ranges.contiguous);
  await download.run();
}

class Download {
  readonly #options: DownloadOptions;
  readonly #limits: DownloadLimits;
  readonly #file: FileHandle;
  readonly #ranges: BlobRanges;
  readonly #abort = new AbortController();
  /** Stretches that somebody works on. */
  readonly #busy = new Map<Stretch, Promise<void>>();
  #rangesWork = true;
  #unsaved = 0;

  constructor(
    options: DownloadOptions,
    limits: DownloadLimits,
    { file, ranges }: { file: FileHandle; ranges: BlobRanges },
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#file = file;
    this.#ranges = ranges;
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const stop = () => this.#abort.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!this.#ranges.isWhole) {
        this.#employ();
        await this.#nextEvent();
      }
      // Whoever dies before the blob is stored finds it whole.
      this.#save();
    } catch (error) {
      this.#abort.abort(error);
      await Promise.allSettled(this.#busy.values());
      this.#save();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** The first connection at once; more when it is seen that the blob takes its time. */
  #employ(): void {
    const idle = this.#ranges.unfinished.filter((stretch) => !this.#busy.has(stretch));
    const room = (this.#rangesWork ? this.#limits.connections : 1) - this.#busy.size;
    for (const stretch of idle.slice(0, Math.max(0, room))) this.#work(stretch);
  }

  #work(stretch: Stretch): void {
    const work = this.#fetch(stretch).finally(() => this.#busy.delete(stretch));
    work.catch(() => undefined);
    this.#busy.set(stretch, work);
  }

  /** A connection has done its part, or all of them have been at it for long enough to get help. */
  async #nextEvent(): Promise<void> {
    const { promise: patience, resolve } = Promise.withResolvers<'slow'>();
    const timer = setTimeout(resolve, this.#limits.patience, 'slow');
    try {
      const event = await Promise.race([patience, ...this.#busy.values()]);
      if (event !== 'slow' || !this.#rangesWork || this.#busy.size >= this.#limits.connections) return;
      this.#ranges.split(this.#limits.smallestSplit);
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(stretch: Stretch): Promise<void> {
    const { attempts, onWait, size } = this.#options;
    const { signal } = this.#abort;
    let window = Number.POSITIVE_INFINITY;
    for (let attempt = 1; stretch.done < stretch.end; attempt++) {
      const before = stretch.done;
      try {
        await this.#once(stretch, window);
        if (!this.#rangesWork && stretch.start > 0) return;
        attempt = 0;
        window *= 2;
      } catch (error) {
        // What came right before a connection broke may be lost with it: less at a time gets through.
        if (stretch.done - before >= goodProgress) attempt = 1;
        else if (error instanceof ConnectionFailure) window = Math.max(smallestWindow, Math.min(window, size) / 8);
        const seconds = waitAfter(error, attempt, { attempts, signal });
        if (seconds === undefined) throw error;
        onWait?.({ seconds, error: error as Error });
        await pause(seconds, signal);
      }
    }
  }

  /** Fetches the rest of the stretch, or so many bytes of it. */
  async #once(stretch: Stretch, window: number): Promise<void> {
    const { size, digest } = this.#options;
    // Where ranges are not to be had, what is here is passed over.
    const offset = this.#rangesWork ? stretch.done : 0;
    const watch = new Watch(this.#limits, this.#abort.signal);
    try {
      const last = this.#rangesWork ? Math.min(stretch.end, Math.ceil(offset + window)) : size;
      const end = last === size ? undefined : last;
      const { response, partial } = await this.#open(offset, end, watch.signal);
      if (!response.body) throw new ConnectionFailure(`blob ${digest}: the answer has no body`, undefined);
      const skip = this.#checkAnswer(response, partial, stretch);
      if (skip === undefined) {
        await response.body.cancel().catch(() => undefined);
        if (stretch.start > 0) return;
        throw new ConnectionFailure(`blob ${digest}: the registry sent another range than it was asked for`, undefined);
      }
      await this.#store(response.body, stretch, { skip, watch, last: partial ? last : size });
    } catch (error) {
      throw watch.explain(error, digest);
    } finally {
      watch.stop();
    }
  }

  async #open(offset: number, end: number | undefined, signal: AbortSignal) {
    try {
      return await this.#options.open({ offset, end, signal });
    } catch (error) {
      // The file holds more than the blob has, or the registry knows no ranges: from the beginning, then.
      if (!(error instanceof RegistryError) || error.status !== 416) throw error;
      if (offset === 0 && end === undefined) throw error;
      this.#rangesWork = false;
      return this.#options.open({ offset: 0, end: undefined, signal });
    }
  }

  /** Bytes of the answer to pass over; undefined where it is of no use for this stretch. */
  #checkAnswer({ headers }: Response, partial: boolean, stretch: Stretch): number | undefined {
    const { size, digest } = this.#options;
    const length = headers.get('content-length');
    if (partial) {
      const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
      const total = range?.[3] === '*' ? size : Number(range?.[3]);
      if (total !== size && range) throw wrongSize(digest, size, total);
      if (range && Number(range[1]) === stretch.done) return 0;
      // It says 206 and sends something else: ranges are not to be had here.
    } else {
      if (length !== null && Number(length) !== size) throw wrongSize(digest, size, Number(length));
      if (stretch.done === 0) return 0;
    }
    this.#rangesWork = false;
    // The one that began at the first byte starts over and passes over what it has; the others are given up.
    if (stretch.start > 0) {
      this.#ranges.forgetGaps();
      return undefined;
    }
    return partial ? undefined : stretch.done;
  }

  async #store(
    body: ReadableStream<Uint8Array>,
    stretch: Stretch,
    { skip, watch, last }: { skip: number; watch: Watch; last: number },
  ): Promise<void> {
    const { digest, size } = this.#options;
    const reader = body.getReader();
    let pending: Uint8Array[] = [];
    let length = 0;
    let skipped = 0;
    const flush = async () => {
      if (length === 0) return;
      const at = stretch.done;
      const chunks = pending;
      const count = length;
      pending = [];
      length = 0;
      await this.#write(chunks, at);
      // Its end may have been given away meanwhile: what was written beyond it is written again.
      stretch.done = Math.min(at + count, stretch.end);
      this.#advanced(count);
    };
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        watch.received(value.length);
        let chunk = value;
        if (skipped < skip) {
          const passed = Math.min(skip - skipped, chunk.length);
          skipped += passed;
          chunk = chunk.subarray(passed);
        }
        const room = Math.max(0, stretch.end - stretch.done - length);
        if (chunk.length > room && stretch.end === size) throw wrongSize(digest, size, undefined);
        if (chunk.length > 0) pending.push(chunk.subarray(0, room));
        length += Math.min(chunk.length, room);
        if (length >= writeSize || stretch.done + length >= stretch.end) await flush();
        // Another connection has taken the rest over.
        if (stretch.done >= stretch.end && stretch.end < size) return;
      }
      await flush();
      if (stretch.done < Math.min(stretch.end, last))
        throw new ConnectionFailure(`blob ${digest}: unexpected EOF`, undefined);
    } catch (error) {
      await flush();
      throw error;
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  async #write(chunks: Uint8Array[], position: number): Promise<void> {
    let at = position;
    let rest = chunks;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#file.writev(rest, at);
      at += bytesWritten;
      rest = after(rest, bytesWritten);
    }
  }

  #advanced(count: number): void {
    const { onProgress, onGrown } = this.#options;
    this.#unsaved += count;
    if (this.#unsaved >= saveEvery) this.#save();
    onProgress(this.#ranges.received);
    onGrown(this.#ranges.contiguous);
  }

  /** Says less than there is rather than more: it is written after the bytes. */
  #save(): void {
    this.#unsaved = 0;
    const { ranges } = this.#options.part;
    try {
      writeFileSync(`${ranges}.new`, this.#ranges.encode(), { mode: 0o600 });
      renameSync(`${ranges}.new`, ranges);
    } catch {
      // It saves time the next time; on a full disk there are other worries.
    }
  }
}

/** Ends a connection that gives nothing, or hardly anything. */
class Watch {
  readonly #limits: DownloadLimits;
  readonly #abort = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;

  constructor(limits: DownloadLimits, outer: AbortSignal) {
    this.#limits = limits;
    this.#outer = outer;
    this.#timer = setInterval(() => this.#check(), limits.silence);
    outer.addEventListener('abort', this.#forward, { once: true });
    if (outer.aborted) this.#forward();
  }

  readonly #forward = () => this.#abort.abort(this.#outer.reason);

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  #check(): void {
    const { silence, slowest } = this.#limits;
    if (this.#bytes < (slowest * silence) / 1000) this.#abort.abort(new TooSlow());
    this.#bytes = 0;
  }

  explain(error: unknown, digest: Digest): unknown {
    if (this.#outer.aborted) return this.#outer.reason;
    if (this.#abort.signal.aborted) {
      const seconds = this.#limits.silence / 1000;
      return new ConnectionFailure(`blob ${digest}: the registry sent next to nothing for ${seconds} seconds`, error);
    }
    if (error instanceof EngineError) return error;
    const { code } = error as NodeJS.ErrnoException;
    // The disk's failures are none of the connection.
    if (code !== undefined && /^E(NOSPC|DQUOT|IO|ROFS|FBIG)$/.test(code)) return error;
    return new ConnectionFailure(`blob ${digest}: unexpected EOF`, error);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#outer.removeEventListener('abort', this.#forward);
  }
}

class TooSlow extends Error {}

function wrongSize(digest: Digest, expected: number, actual: number | undefined): EngineError {
  const shown = actual === undefined ? 'more' : String(actual);
  return new EngineError('data_loss', `blob ${digest} has ${shown} bytes where its manifest says ${expected}`);
}

function after(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.length;
  }
  return [];
}

async function exists(path: string): Promise<boolean> {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
