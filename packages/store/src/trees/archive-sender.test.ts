import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { archiveChunks } from './archive-chunks.ts';
import { ArchiveSender } from './archive-sender.ts';
import type { ArchivePiece } from './read-tree.ts';

/** Two ends of a connection: one to read from, and the descriptor of the other. */
class Fixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'wharf-sender-'));
  readonly #server = createServer({ pauseOnConnect: true });
  readonly #files: number[] = [];
  #far: Socket | undefined;
  near!: Socket;

  async descriptor(): Promise<number> {
    const path = join(this.directory, 'socket');
    const accepted = new Promise<Socket>((resolve) => this.#server.once('connection', resolve));
    await new Promise<void>((resolve) => this.#server.listen(path, resolve));
    this.near = connect(path);
    this.#far = await accepted;
    return (this.#far as unknown as { _handle: { fd: number } })._handle.fd;
  }

  content(bytes: Buffer, size = bytes.length): ArchivePiece {
    const path = join(this.directory, `file-${this.#files.length}`);
    writeFileSync(path, bytes);
    const fd = openSync(path, 'r');
    this.#files.push(fd);
    return { fd, size };
  }

  /** What arrives until the sender's end is closed. */
  received(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    this.near.on('data', (piece: Buffer) => pieces.push(piece));
    return new Promise((resolve) => this.near.on('end', () => resolve(Buffer.concat(pieces))));
  }

  endOfSending(): void {
    this.#far?.end();
  }

  [Symbol.dispose](): void {
    this.near?.destroy();
    this.#far?.destroy();
    this.#server.close();
    for (const fd of this.#files) closeSync(fd);
    rmSync(this.directory, { recursive: true });
  }
}

function unframed(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    assert.ok(length > 0, 'an empty chunk would end the body');
    pieces.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length;
    assert.equal(bytes.toString('latin1', at, at + 2), '\r\n');
    at += 2;
  }
  return Buffer.concat(pieces);
}

describe('an archive written to a socket', () => {
  const random = (length: number) => randomFillSync(Buffer.alloc(length));
  const cases: Record<string, (f: Fixture) => ArchivePiece[]> = {
    'small pieces': () => [random(512), random(1024)],
    'small files': (f) => Array.from({ length: 60 }, (_, i) => [random(512), f.content(random(i * 997))]).flat(),
    'a large file between small ones': (f) => [f.content(random(10)), f.content(random(3_000_001)), random(511)],
    'large files alone': (f) => [f.content(random(65_536)), f.content(random(1 << 20))],
    'pieces larger than the buffer': () => [random(700_000), random(3)],
    'a large file that has shrunk': (f) => [f.content(random(100_000), 400_000), random(512)],
    'a small file that has shrunk': (f) => [f.content(random(10), 20_000), random(512)],
  };
  for (const chunked of [false, true]) {
    for (const [name, pieces] of Object.entries(cases)) {
      test(`${name}${chunked ? ', in chunks' : ''}`, async () => {
        using f = new Fixture();
        const socket = await f.descriptor();
        const sent = pieces(f);
        const received = f.received();
        await new ArchiveSender(socket, { chunked, patience: 0 }).send(sent);
        f.endOfSending();
        const bytes = await received;
        assert.ok((chunked ? unframed(bytes) : bytes).equals(Buffer.concat([...archiveChunks(sent)])));
      });
    }
  }

  test('ends when it is canceled, though nobody reads', async () => {
    using f = new Fixture();
    const sender = new ArchiveSender(await f.descriptor(), { chunked: true, patience: 0 });
    f.near.pause();
    const sending = sender.send([f.content(random(8 << 20))]);
    sender.cancel();
    await assert.rejects(sending, { code: 'canceled' });
  });

  test('ends when the reader is gone', async () => {
    using f = new Fixture();
    const sender = new ArchiveSender(await f.descriptor(), { chunked: false, patience: 0 });
    f.near.pause();
    const sending = sender.send([f.content(random(8 << 20)), random(512)]);
    f.near.destroy();
    await assert.rejects(sending, { code: 'EPIPE' });
  });
});
