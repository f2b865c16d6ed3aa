import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  decodeSettings,
  encodeFrame,
  encodeNumber,
  encodeSettings,
  type Frame,
  FrameReader,
  preface,
} from './frames.ts';
import { encodeHeaders, HeaderDecoder } from './hpack.ts';
import { Http2Connection } from './http2-connection.ts';
import { type Headers, type Http2Stream, receiveWindow } from './http2-stream.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-http2-'));
let sockets = 0;
after(() => rmSync(directory, { recursive: true, force: true }));

const lost = () => new Error('lost');
const [DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION] = [0, 1, 3, 4, 6, 7, 8, 9];
const initialWindow = (bytes: number) => encodeSettings([[4, bytes]]);
const window = (streamId: number, bytes: number) => encodeFrame(WINDOW, { streamId, payload: encodeNumber(bytes) });
const opening = (streamId: number, flags = 4) =>
  encodeFrame(HEADERS, { flags, streamId, payload: encodeHeaders([[':path', '/a']]) });

/** Two ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const path = join(directory, String(sockets++));
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer((socket) => resolve(socket)).listen(path);
  const near = connect(path);
  const far = await promise;
  server.close();
  for (const socket of [near, far]) socket.on('error', () => undefined);
  return [near, far];
}

/** What a peer that speaks frames by hand has got. */
class RawPeer {
  readonly frames: Frame[] = [];
  readonly closed: Promise<void>;
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) this.frames.push(frame);
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  bytesOf(streamId: number): number {
    return this.frames
      .filter((frame) => frame.type === DATA && frame.streamId === streamId)
      .reduce((sum, { payload }) => sum + payload.length, 0);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The frame of this type, when it has come. */
  async frame(type: number, which: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const found = () => this.frames.find((frame) => frame.type === type && which(frame));
    await this.until(() => found() !== undefined);
    return found()!;
  }
}

async function serving(serve: (stream: Http2Stream) => void): Promise<RawPeer> {
  const [near, far] = await pair();
  new Http2Connection(far, Buffer.alloc(0), { serve, lost });
  return new RawPeer(near);
}

const answering = (bytes: number) => (stream: Http2Stream) => {
  stream.respond({ ':status': '200' });
  void stream.write(Buffer.alloc(bytes, 'x'));
  void stream.end({ 'grpc-status': '0' });
};

describe('what is sent', () => {
  test('stays within both windows, to the byte', async () => {
    const peer = await serving(answering(100_000));
    peer.socket.write(Buffer.concat([preface, initialWindow(1000), opening(1)]));
    await peer.until(() => peer.bytesOf(1) === 1000);
    peer.socket.write(Buffer.concat([window(1, 500), encodeFrame(PING, { payload: Buffer.alloc(8) })]));
    await peer.frame(PING);
    await peer.until(() => peer.bytesOf(1) === 1500);
    peer.socket.write(window(1, 1 << 20));
    // What is left of the connection's own 65,535.
    await peer.until(() => peer.bytesOf(1) === 65_535);
    peer.socket.write(window(0, 1 << 20));
    await peer.until(() => peer.bytesOf(1) === 100_000);
    const end = await peer.frame(HEADERS, ({ flags }) => (flags & 1) !== 0);
    assert.deepEqual(new HeaderDecoder().decode(end.payload, 1000), [['grpc-status', '0']]);
    peer.socket.destroy();
  });

  test('goes on when a window and what a window begins with grow in one piece', async () => {
    const peer = await serving(answering(1_000_000));
    peer.socket.write(Buffer.concat([preface, encodeSettings([]), opening(1)]));
    await peer.until(() => peer.bytesOf(1) === 65_535);
    // As gRPC for Go answers once it has measured the connection.
    peer.socket.write(
      Buffer.concat([window(0, 65_469), initialWindow(131_004), window(0, 32_754), window(0, 32_781), window(1, 10)]),
    );
    await peer.until(() => peer.bytesOf(1) === 131_004 + 10);
    peer.socket.write(Buffer.concat([window(0, 1 << 20), initialWindow(1 << 24)]));
    await peer.until(() => peer.bytesOf(1) === 1_000_000);
    peer.socket.destroy();
  });

  test('waits below nothing where a window shrinks', async () => {
    const peer = await serving(answering(20_000));
    peer.socket.write(Buffer.concat([preface, initialWindow(10_000), opening(1)]));
    await peer.until(() => peer.bytesOf(1) === 10_000);
    peer.socket.write(Buffer.concat([initialWindow(0), window(1, 10_000), window(1, 7)]));
    await peer.until(() => peer.bytesOf(1) === 10_007);
    peer.socket.destroy();
  });

  test('of one stream does not wait for another that nobody reads', async () => {
    const peer = await serving(answering(10_000));
    peer.socket.write(Buffer.concat([preface, initialWindow(0), opening(1), opening(3), window(3, 10_000)]));
    await peer.frame(HEADERS, ({ flags, streamId }) => streamId === 3 && (flags & 1) !== 0);
    assert.deepEqual([peer.bytesOf(1), peer.bytesOf(3)], [0, 10_000]);
    peer.socket.destroy();
  });
});

describe('what comes', () => {
  test('is asked for again as it is read', async () => {
    let read = 0;
    const peer = await serving(async (stream) => {
      for await (const chunk of stream) read += chunk.length;
      stream.respond({ ':status': '200', bytes: String(read) });
      void stream.end({});
    });
    peer.socket.write(Buffer.concat([preface, encodeSettings([]), opening(1)]));
    const piece = encodeFrame(DATA, { streamId: 1, payload: Buffer.alloc(16_384) });
    let allowed = receiveWindow;
    const total = 4 * receiveWindow;
    for (let sent = 0; sent < total; sent += 16_384) {
      const granted = () =>
        peer.frames
          .filter(({ type, streamId }) => type === WINDOW && streamId === 1)
          .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), receiveWindow);
      if (sent + 16_384 > allowed) await peer.until(() => granted() > allowed);
      allowed = granted();
      peer.socket.write(piece);
    }
    peer.socket.write(encodeFrame(DATA, { flags: 1, streamId: 1 }));
    const { payload } = await peer.frame(HEADERS);
    assert.deepEqual(new HeaderDecoder().decode(payload, 1000).at(-1), ['bytes', String(total)]);
    peer.socket.destroy();
  });

  test('beyond the window ends the stream, and only that', async () => {
    const peer = await serving(() => undefined);
    const piece = encodeFrame(DATA, { streamId: 1, payload: Buffer.alloc(16_384) });
    const pieces = Array.from({ length: receiveWindow / 16_384 + 1 }, () => piece);
    peer.socket.write(Buffer.concat([preface, encodeSettings([]), opening(1), ...pieces]));
    assert.equal((await peer.frame(RST)).payload.readUInt32BE(0), 3);
    peer.socket.write(encodeFrame(PING, { payload: Buffer.alloc(8) }));
    await peer.frame(PING);
    peer.socket.destroy();
  });

  test('headers of several pieces, with padding, and the same name twice', async () => {
    const { promise, resolve } = Promise.withResolvers<Headers>();
    const peer = await serving(({ headers }) => resolve(headers));
    const block = encodeHeaders([
      ['pattern', 'a, b'],
      ['pattern', 'c'],
    ]);
    const padded = Buffer.concat([Buffer.from([3]), Buffer.alloc(5), block.subarray(0, 10), Buffer.alloc(3)]);
    peer.socket.write(
      Buffer.concat([
        preface,
        encodeSettings([]),
        encodeFrame(HEADERS, { flags: 8 + 0x20, streamId: 1, payload: padded }),
        encodeFrame(CONTINUATION, { streamId: 1, payload: block.subarray(10, 12) }),
        encodeFrame(CONTINUATION, { flags: 4, streamId: 1, payload: block.subarray(12) }),
      ]),
    );
    assert.deepEqual((await promise).pattern, ['a, b', 'c']);
    peer.socket.destroy();
  });
});

describe('a peer that does not keep to it is told why, and cut off', () => {
  const started = Buffer.concat([preface, encodeSettings([])]);
  const rows: [string, Buffer, number][] = [
    ['no HTTP/2 at all', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 1],
    ['a frame before the settings', Buffer.concat([preface, opening(1)]), 1],
    ['settings that are cut off', Buffer.concat([preface, encodeFrame(SETTINGS, { payload: Buffer.alloc(5) })]), 6],
    ['a frame that is too large', Buffer.concat([started, encodeFrame(DATA, { payload: Buffer.alloc(16_385) })]), 6],
    ['data of a stream that is not open', Buffer.concat([started, encodeFrame(DATA, { streamId: 5 })]), 1],
    ['data of the connection', Buffer.concat([started, encodeFrame(DATA, { streamId: 0 })]), 1],
    ['a stream with an even number', Buffer.concat([started, opening(2)]), 1],
    ['a push', Buffer.concat([started, encodeFrame(5, { streamId: 1, payload: Buffer.alloc(4) })]), 1],
    ['a ping of another size', Buffer.concat([started, encodeFrame(PING, { payload: Buffer.alloc(7) })]), 6],
    ['a window that is too large', Buffer.concat([started, window(0, 2 ** 31 - 1)]), 3],
    ['a first window that is too large', Buffer.concat([started, initialWindow(2 ** 31)]), 3],
    [
      'a frame amid headers',
      Buffer.concat([started, opening(1, 0), encodeFrame(PING, { payload: Buffer.alloc(8) })]),
      1,
    ],
    ['headers that have not begun', Buffer.concat([started, encodeFrame(CONTINUATION, { streamId: 1 })]), 1],
    [
      'a frame that is all padding',
      Buffer.concat([started, opening(1), encodeFrame(DATA, { flags: 8, streamId: 1 })]),
      1,
    ],
    [
      'a broken block',
      Buffer.concat([started, encodeFrame(HEADERS, { flags: 4, streamId: 1, payload: Buffer.from([0x80]) })]),
      9,
    ],
    [
      'headers without end',
      Buffer.concat([
        started,
        opening(1, 0),
        ...Array.from({ length: 2000 }, () => encodeFrame(CONTINUATION, { streamId: 1 })),
      ]),
      11,
    ],
  ];
  for (const [name, bytes, code] of rows) {
    test(name, async () => {
      const peer = await serving(() => undefined);
      peer.socket.write(bytes);
      assert.equal((await peer.frame(GOAWAY)).payload.readUInt32BE(4), code);
      await peer.closed;
    });
  }

  test('more streams than are allowed are refused one by one', async () => {
    const peer = await serving(() => undefined);
    const { payload } = await peer.frame(SETTINGS);
    const [, most = 0] = decodeSettings(payload).find(([id]) => id === 3)!;
    peer.socket.write(Buffer.concat([started, ...Array.from({ length: most + 1 }, (_, at) => opening(2 * at + 1))]));
    const refused = await peer.frame(RST);
    assert.deepEqual([refused.streamId, refused.payload.readUInt32BE(0)], [2 * most + 1, 7]);
    peer.socket.destroy();
  });
});

describe('the end', () => {
  test('of a connection is the end of its streams, on both sides', async () => {
    const [near, far] = await pair();
    const opened = Promise.withResolvers<Http2Stream>();
    const server = new Http2Connection(far, Buffer.alloc(0), { serve: opened.resolve, lost });
    const client = new Http2Connection(near, Buffer.alloc(0), { lost });
    const asked = client.open({ ':path': '/a' });
    const served = await opened.promise;
    near.destroy();
    await assert.rejects(Array.fromAsync(served), /lost/);
    await assert.rejects(Array.fromAsync(asked), /lost/);
    await Promise.all([server.ended, client.ended, served.write(Buffer.alloc(1 << 20))]);
    assert.ok(served.signal.aborted && asked.signal.aborted);
    assert.throws(() => client.open({}), /lost/);
  });

  test('of a stream that is reset leaves the others', async () => {
    const [near, far] = await pair();
    const streams: Http2Stream[] = [];
    const serve = (stream: Http2Stream) => {
      streams.push(stream);
      stream.respond({ ':status': '200' });
      if (streams.length === 2) answering(10)(stream);
    };
    new Http2Connection(far, Buffer.alloc(0), { serve, lost });
    const client = new Http2Connection(near, Buffer.alloc(0), { lost });
    client.open({ ':path': '/a' }).reset();
    const second = client.open({ ':path': '/b' });
    assert.equal(Buffer.concat(await Array.fromAsync(second)).length, 10);
    assert.equal(second.trailers?.['grpc-status'], '0');
    assert.ok(streams[0]!.signal.aborted);
    client.close();
    second.leave();
    await client.ended;
  });
});

test('node:http2 is understood, and understands', async () => {
  const [near, far] = await pair();
  const serve = async (stream: Http2Stream) => {
    stream.respond({ ':status': '200', seen: [String(stream.headers[':path']), String(stream.headers['x-long'])] });
    for await (const chunk of stream) await stream.write(chunk);
    await stream.end({ last: 'yes' });
  };
  new Http2Connection(far, Buffer.alloc(0), { serve: (stream) => void serve(stream), lost });
  const session = connectHttp2('http://localhost', { createConnection: () => near });
  const request = session.request({ ':method': 'POST', ':path': '/echo', 'x-long': 'Zz~'.repeat(7000) });
  const seen = Promise.withResolvers<string>();
  const last = Promise.withResolvers<unknown>();
  request.on('response', (headers) => seen.resolve(String(headers.seen)));
  request.on('trailers', (trailers) => last.resolve(trailers.last));
  request.end(Buffer.alloc(50_000, 'e'));
  let echoed = 0;
  for await (const chunk of request) echoed += (chunk as Buffer).length;
  assert.equal(echoed, 50_000);
  assert.equal(await seen.promise, `/echo, ${'Zz~'.repeat(7000)}`);
  assert.equal(await last.promise, 'yes');
  session.close();
});
