import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventMessage, encodeEvent } from '@wharf/api/events';

/** Events that outlive the daemon. */
export interface EventHistory {
  append(event: EventMessage): void;
  /** Those between the bounds that were appended before this call. */
  read(since: bigint | undefined, until: bigint | undefined): AsyncIterable<EventMessage>;
  close(): void;
}

export interface EventLogOptions {
  readonly directory: string;
  readonly warn: (error: unknown) => void;
  /** Bytes of a file, and how many there are. */
  readonly fileSize?: number;
  readonly files?: number;
}

interface Segment {
  readonly path: string;
  /** The time of its first event. */
  readonly begin: bigint;
}

const readSize = 256 * 1024;

/**
 * Events on disk, a JSON object a line, in files named after the time of their first event: about 20 MB in all. They
 * are written before anybody can be answered: what was acknowledged is remembered, however the daemon ends.
 */
export class EventLog implements EventHistory {
  readonly #options: Required<EventLogOptions>;
  #pending: string[] = [];
  #pendingSince = 0n;
  #fd: number | undefined;
  #size = 0;
  #failed = false;

  constructor(options: EventLogOptions) {
    this.#options = { fileSize: 4_000_000, files: 5, ...options };
  }

  append(event: EventMessage): void {
    if (this.#pending.length === 0) {
      this.#pendingSince = event.timeNano;
      queueMicrotask(() => this.#flush());
    }
    this.#pending.push(`${encodeEvent(event)}\n`);
  }

  read(since: bigint | undefined, until: bigint | undefined): AsyncIterable<EventMessage> {
    this.#flush();
    // What is appended from now on is not for this reader.
    const parts = this.#wanted(since, until).map(({ path }) => ({ path, size: statSync(path).size }));
    return readParts(parts, (time) => (since === undefined || time >= since) && (until === undefined || time <= until));
  }

  close(): void {
    this.#flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = Buffer.from(this.#pending.join(''));
    this.#pending = [];
    try {
      const fd = this.#file();
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      this.#size += bytes.length;
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#options.warn(error);
      this.#failed = true;
    }
  }

  #file(): number {
    const { directory, fileSize, files } = this.#options;
    if (this.#fd !== undefined && this.#size < fileSize) return this.#fd;
    if (this.#fd === undefined) mkdirSync(directory, { recursive: true, mode: 0o700 });
    else closeSync(this.#fd);
    const last = this.#fd === undefined ? this.#segments().at(-1)?.path : undefined;
    this.#fd = openSync(last ?? join(directory, segmentName(this.#pendingSince)), 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
    // A daemon that was killed may have left half a line.
    if (this.#size > 0) writeSync(this.#fd, '\n');
    for (const { path } of this.#segments().slice(0, -files)) rmSync(path, { force: true });
    return this.#fd;
  }

  /** Oldest first. */
  #segments(): Segment[] {
    const { directory } = this.#options;
    const names = entriesOf(directory).filter((name) => /^\d{20}\.jsonl$/.test(name));
    return names.sort().map((name) => ({ path: join(directory, name), begin: BigInt(name.slice(0, 20)) }));
  }

  #wanted(since: bigint | undefined, until: bigint | undefined): Segment[] {
    const segments = this.#segments();
    return segments.filter(({ begin }, index) => {
      const next = segments[index + 1]?.begin;
      return (until === undefined || begin <= until) && (since === undefined || next === undefined || next >= since);
    });
  }
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function segmentName(begin: bigint): string {
  return `${String(begin).padStart(20, '0')}.jsonl`;
}

interface Part {
  readonly path: string;
  readonly size: number;
}

async function* readParts(parts: readonly Part[], isWanted: (time: bigint) => boolean): AsyncGenerator<EventMessage> {
  for (const { path, size } of parts) {
    let file: FileHandle;
    try {
      file = await open(path);
    } catch {
      // Old enough to have been removed meanwhile.
      continue;
    }
    try {
      for await (const line of linesOf(file, size)) {
        const time = BigInt(/"timeNano":(\d+)\}$/.exec(line)?.[1] ?? '-1');
        if (time < 0n || !isWanted(time)) continue;
        const event = JSON.parse(line) as EventMessage;
        // JSON.parse knows no integers of 64 bits.
        yield { ...event, timeNano: time };
      }
    } finally {
      await file.close();
    }
  }
}

async function* linesOf(file: FileHandle, size: number): AsyncGenerator<string> {
  let begun = Buffer.alloc(0);
  for (let at = 0; at < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(readSize, size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const bytes = Buffer.concat([begun, buffer.subarray(0, bytesRead)]);
    const end = bytes.lastIndexOf(10) + 1;
    begun = bytes.subarray(end);
    for (const line of bytes.toString('utf8', 0, end).split('\n')) yield line;
  }
}
