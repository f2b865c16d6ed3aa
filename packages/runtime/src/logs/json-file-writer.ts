import { readClock } from '@wharf/sys/clock';
import { escapeLines } from './json-line.ts';
import { LineSplitter } from './line-splitter.ts';
import type { LogFile } from './log-file.ts';

export type LogStream = 'stdout' | 'stderr';

/** Chunks are taken in blocks of this size: a block of newlines alone grows to 70 times its bytes. */
const blockSize = 64 * 1024;

export interface JsonFileOptions {
  readonly file: LogFile;
  /** For a block's bytes on their way to the kernel; one serves all writers. */
  readonly scratch: Buffer;
  /** Written as `attrs` into each line. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Lines that another process has begun. */
  readonly begun?: LogPosition | undefined;
}

/** Takes what most blocks become. */
export const logScratchSize = 256 * 1024;

/**
 * Docker's json-file format: `{"log":"text\n","stream":"stdout","attrs":{},"time":"2026-01-02T03:04:05.000000000Z"}`
 * a line, one write a chunk. A line without its newline (too long, or the last) has none in `log` either.
 */
export class JsonFileWriter {
  readonly #file: LogFile;
  readonly #scratch: Buffer;
  readonly #splitters: Record<LogStream, LineSplitter>;
  readonly #attributes: string;

  constructor({ file, scratch, attributes = {}, begun = noPosition }: JsonFileOptions) {
    this.#file = file;
    this.#scratch = scratch;
    this.#attributes = Object.keys(attributes).length === 0 ? '' : `,"attrs":${toLatin1(JSON.stringify(attributes))}`;
    this.#splitters = {
      stdout: this.#splitter('stdout', begun.stdout),
      stderr: this.#splitter('stderr', begun.stderr),
    };
  }

  /** The chunk may be reused by the caller afterwards. Throws what the file system says. */
  write(stream: LogStream, chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += blockSize) {
      this.#splitters[stream].push(chunk.toString('latin1', at, Math.min(at + blockSize, chunk.length)));
    }
  }

  /** True while there is no place for more, because what is there has yet to be delivered. */
  get full(): boolean {
    return this.#file.full;
  }

  /** The stream has ended. */
  end(stream: LogStream): void {
    this.#splitters[stream].end();
  }

  /** Unfinished lines, to go on from in another process. */
  get position(): LogPosition {
    return { stdout: this.#splitters.stdout.begun, stderr: this.#splitters.stderr.begun };
  }

  close(): void {
    this.#file.close();
  }

  #splitter(stream: LogStream, begun: string): LineSplitter {
    const lines = (text: string) => this.#lines(stream, text);
    const piece = (text: string) => this.#piece(stream, text);
    return new LineSplitter({ lines, piece }, begun);
  }

  #lines(stream: LogStream, text: string): void {
    let time = this.#now();
    let suffix = this.#suffix(stream, '\\n', time);
    const escaped = escapeLines(text);
    const block = `{"log":"${escaped.replaceAll('\n', `${suffix}{"log":"`)}${suffix}`;
    if (block.length <= this.#file.room) {
      this.#append(block, time);
      return;
    }
    // Only a file near its limit is written line by line, so that it is rotated where Docker would.
    for (const line of escaped.split('\n')) {
      if (this.#file.room <= 0) {
        time = this.#now();
        suffix = this.#suffix(stream, '\\n', time);
      }
      this.#append(`{"log":"${line}${suffix}`, time);
    }
  }

  #piece(stream: LogStream, text: string): void {
    const time = this.#now();
    this.#append(`{"log":"${escapeLines(text)}${this.#suffix(stream, '', time)}`, time);
  }

  #append(latin1: string, time: string): void {
    const fits = latin1.length <= this.#scratch.length;
    const length = fits ? this.#scratch.write(latin1, 0, 'latin1') : 0;
    this.#file.append(fits ? this.#scratch.subarray(0, length) : Buffer.from(latin1, 'latin1'), time);
  }

  /** Files are known by the time of their first line: where one is about to begin, it is not the last one's. */
  #now(): string {
    let time = now();
    while (this.#file.room <= 0 && time === this.#file.name) time = now();
    return time;
  }

  #suffix(stream: LogStream, newline: string, time: string): string {
    return `${newline}","stream":"${stream}"${this.#attributes},"time":"${time}"}\n`;
  }
}

export type LogPosition = Readonly<Record<LogStream, string>>;

const noPosition: LogPosition = { stdout: '', stderr: '' };

function toLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** RFC 3339 with nine digits of fraction. */
export function now(): string {
  const { seconds, nanoseconds } = readClock();
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanoseconds).padStart(9, '0')}Z`;
}
