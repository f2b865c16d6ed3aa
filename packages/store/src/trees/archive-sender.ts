import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError } from '@wharf/base/error';
import { sendDescriptor, wouldBlock } from '@wharf/sys/descriptor';
import { check } from '@wharf/sys/errno';
import { readAt } from '@wharf/sys/file';
import { sendFile, waitWritable } from '@wharf/sys/send-file';
import type { ArchivePiece, FileContent } from './read-tree.ts';

const bufferSize = 256 << 10;
/** Contents below this cost less copied together with their headers than sent by themselves. */
const gatherLimit = 64 << 10;
/** Sent without looking whether somebody wants to stop it. */
const uninterrupted = 16 << 20;
const EINVAL = 22;
/** Eight hexadecimal digits and the end of their line. */
const lineLength = 10;

/**
 * Writes an archive to a socket. The contents of large files go from the page cache into the socket without passing
 * through this process. With `chunked` it is framed as HTTP/1.1 does (RFC 9112 section 7.1), without the last chunk.
 */
export class ArchiveSender {
  readonly #socket: number;
  readonly #patience: number;
  readonly #lineLength: number;
  readonly #out = Buffer.allocUnsafeSlow(bufferSize);
  #filled = 0;
  /** Where the chunk that is being filled begins. */
  #chunk = -1;
  #uninterrupted = 0;
  #canceled = false;

  /** `patience`: milliseconds for which it stands still when the reader is behind, before this thread has its turn. */
  constructor(socket: number, { chunked, patience = 100 }: { chunked: boolean; patience?: number }) {
    this.#socket = socket;
    this.#patience = patience;
    this.#lineLength = chunked ? lineLength : 0;
  }

  /** Resolves when the kernel has all of it. Rejects where the peer is gone. */
  async send(pieces: Iterable<ArchivePiece>): Promise<void> {
    for (const piece of pieces) {
      if (Buffer.isBuffer(piece)) await this.#gather(piece);
      else if (piece.size < gatherLimit) await this.#gatherContent(piece);
      else await this.#sendContent(piece);
    }
    await this.#flush();
  }

  /** `send` rejects soon. */
  cancel(): void {
    this.#canceled = true;
  }

  async #gather(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const count = bytes.copy(await this.#room(), 0, done);
      this.#filled += count;
      done += count;
    }
  }

  async #gatherContent({ fd, size }: FileContent): Promise<void> {
    for (let done = 0; done < size; ) {
      const room = (await this.#room()).subarray(0, size - done);
      const count = readAt(fd, room, done) || room.fill(0).length;
      this.#filled += count;
      done += count;
    }
  }

  /** Room for at least one more byte of a chunk, and the end of its line. */
  async #room(): Promise<Buffer> {
    if (this.#filled + lineLength + 3 > bufferSize) await this.#flush();
    if (this.#chunk < 0) this.#beginChunk();
    return this.#out.subarray(this.#filled, bufferSize - 2);
  }

  async #sendContent({ fd, size }: FileContent): Promise<void> {
    let done = 0;
    while (done < size) {
      this.#endChunk();
      if (this.#filled + lineLength > bufferSize) await this.#flush();
      // A chunk of its own, as long as a chunk's line can say.
      const length = Math.min(size - done, 1 << 30);
      this.#line(length);
      await this.#flush();
      const sent = await this.#sendRange(fd, done, length);
      done += sent;
      await this.#copyRange(fd, done, length - sent);
      done += length - sent;
      if (this.#lineLength > 0) this.#filled = this.#out.write('\r\n', 0, 'latin1');
    }
  }

  /** What the kernel cannot send by reference, or what the file has lost meanwhile. */
  async #copyRange(fd: number, from: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const room = this.#out.subarray(0, length - done);
      const count = readAt(fd, room, from + done) || room.fill(0).length;
      await this.#write(room.subarray(0, count));
      done += count;
    }
  }

  /** Answers how much of it was sent. */
  async #sendRange(fd: number, offset: number, length: number): Promise<number> {
    let done = 0;
    while (done < length) {
      const count = sendFile(this.#socket, fd, offset + done, length - done);
      if (count === -EINVAL || count === 0) return done;
      if (count === wouldBlock) await this.#wait();
      else done += check(count, 'send a file');
      await this.#sent(Math.max(0, count));
    }
    return done;
  }

  #beginChunk(): void {
    this.#chunk = this.#filled;
    this.#filled += this.#lineLength;
  }

  #endChunk(): void {
    const start = this.#chunk;
    if (start < 0) return;
    this.#chunk = -1;
    if (this.#lineLength === 0) return;
    const end = this.#filled;
    this.#filled = start;
    this.#line(end - start - lineLength);
    this.#filled = end + this.#out.write('\r\n', end, 'latin1');
  }

  #line(length: number): void {
    if (this.#lineLength === 0) return;
    const line = `${length.toString(16).padStart(8, '0')}\r\n`;
    this.#filled += this.#out.write(line, this.#filled, 'latin1');
  }

  async #flush(): Promise<void> {
    this.#endChunk();
    const bytes = this.#out.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#write(bytes);
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const count = sendDescriptor(this.#socket, bytes.subarray(done));
      if (count === wouldBlock) await this.#wait();
      else done += check(count, 'send');
      await this.#sent(Math.max(0, count));
    }
  }

  async #wait(): Promise<void> {
    while (!waitWritable(this.#socket, this.#patience)) await this.#look();
  }

  async #sent(length: number): Promise<void> {
    this.#uninterrupted += length;
    if (this.#uninterrupted < uninterrupted) return;
    this.#uninterrupted = 0;
    await this.#look();
  }

  async #look(): Promise<void> {
    await nextTurn();
    if (this.#canceled) throw new EngineError('canceled', 'the client has left');
  }
}
