import type { BodyFraming } from './request-head.ts';
import { HttpSyntaxError } from './status.ts';

const chunkLine = /^([0-9a-fA-F]{1,12})(?:[ \t]*;[\t\x20-\x7e]*)?$/;
const lineLimit = 4096;
const trailerLimit = 64 * 1024;
const nothing: Buffer = Buffer.alloc(0);

/** Finds a body's bytes in what a connection carries, and its end. RFC 9112 sections 6 and 7. */
export class BodyDecoder {
  #state: 'data' | 'size' | 'data-end' | 'trailer' | 'done';
  readonly #chunked: boolean;
  #left: number;
  #line = '';
  #trailerSize = 0;

  constructor(framing: BodyFraming) {
    this.#chunked = framing.kind === 'chunked';
    this.#left = framing.kind === 'length' ? framing.length : 0;
    if (framing.kind === 'none') this.#state = 'done';
    else this.#state = this.#chunked ? 'size' : 'data';
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Bytes still to come where that is known. */
  get remaining(): number | undefined {
    return this.#chunked && !this.done ? undefined : this.#left;
  }

  /** Hands each piece of the body to `sink` and returns what belongs to the next message. Pieces are views. */
  push(chunk: Buffer, sink: (piece: Buffer) => void): Buffer {
    let at = 0;
    while (at < chunk.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#state = this.#chunked ? 'data-end' : 'done';
        sink(piece);
      } else {
        at = this.#readLine(chunk, at);
      }
    }
    return at === 0 ? chunk : at < chunk.length ? chunk.subarray(at) : nothing;
  }

  #readLine(chunk: Buffer, from: number): number {
    const feed = chunk.indexOf(10, from);
    const end = feed < 0 ? chunk.length : feed + 1;
    this.#line += chunk.toString('latin1', from, end);
    if (this.#line.length > lineLimit) throw new HttpSyntaxError(400, 'chunk line too long');
    if (feed < 0) return end;
    if (!this.#line.endsWith('\r\n')) throw new HttpSyntaxError(400, 'bare line feed in chunked body');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    this.#takeLine(line);
    return end;
  }

  #takeLine(line: string): void {
    if (this.#state === 'data-end') {
      if (line !== '') throw new HttpSyntaxError(400, 'malformed chunked encoding');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const match = chunkLine.exec(line);
      if (!match) throw new HttpSyntaxError(400, 'invalid chunk size');
      this.#left = Number.parseInt(match[1]!, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    } else if (line === '') {
      this.#state = 'done';
    } else {
      // Trailer fields are checked for size and dropped: nothing here reads them.
      this.#trailerSize += line.length;
      if (this.#trailerSize > trailerLimit) throw new HttpSyntaxError(431, 'trailer too large');
    }
  }
}
