import type { Socket } from 'node:net';
import {
  contentOf,
  decodeSettings,
  defaultMaxFrame,
  defaultWindow,
  encodeFrame,
  encodeNumber,
  encodeSettings,
  type Frame,
  FrameReader,
  flags,
  frameTypes,
  largestWindow,
  preface,
  settingIds,
} from './frames.ts';
import { encodeHeaders, HeaderDecoder } from './hpack.ts';
import type { HeaderField } from './hpack-tables.ts';
import { errorCodes, Http2Error } from './http2-error.ts';
import { type Headers, Http2Stream, receiveWindow, type StreamCarrier } from './http2-stream.ts';

/** What may be under way to us on all streams. */
const connectionWindow = 1 << 24;
const mostStreams = 1000;
/** BuildKit's patterns of a context travel as headers. */
const mostHeaderBytes = 1 << 20;
/** Answers that a peer which does not read may have waiting. */
const mostUnread = 1 << 24;

export interface ConnectionOptions {
  /** As a server: what is done with a stream that the other side opens. */
  readonly serve?: (stream: Http2Stream) => void;
  /** What streams fail with when the connection ends. */
  readonly lost: () => Error;
}

/**
 * HTTP/2 (RFC 9113) on a connection that was upgraded to it: as much of it as gRPC needs, without priorities and
 * pushes. Why not the one of node:http2: docs/adr/0011-http2.md.
 */
export class Http2Connection implements StreamCarrier {
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, Http2Stream>();
  readonly #end: () => void;
  #hasPreface: boolean;
  #hasSettings = false;
  #isOver = false;
  #isClosing = false;
  #nextId = 1;
  #lastId = 0;
  #credit = defaultWindow;
  #initialCredit = defaultWindow;
  #maxFrame = defaultMaxFrame;
  #window = connectionWindow;
  #block:
    | { readonly streamId: number; readonly endStream: boolean; readonly parts: Buffer[]; bytes: number }
    | undefined;
  #credited = Promise.withResolvers<void>();
  #drained: Promise<void> | undefined;

  constructor(socket: Socket, head: Buffer, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(head);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#hasPreface = options.serve === undefined;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#over());
    socket.once('end', () => this.#over());
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#receive();
    });
    this.#greet();
    if (head.length > 0) queueMicrotask(() => this.#receive());
    socket.resume();
  }

  get credit(): number {
    return this.#credit;
  }

  get maxFrame(): number {
    return this.#maxFrame;
  }

  /** Asks something. Throws where the connection has ended. */
  open(headers: Headers): Http2Stream {
    if (this.#isOver || this.#isClosing) throw this.#options.lost();
    const stream = new Http2Stream(this, this.#nextId, { credit: this.#initialCredit });
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    stream.respond(headers);
    return stream;
  }

  /** Ends when the streams that are open have ended. */
  close(): void {
    this.#isClosing = true;
    this.#endIfIdle();
  }

  moreCredit(): Promise<void> {
    return this.#credited.promise;
  }

  spend(bytes: number): void {
    this.#credit -= bytes;
  }

  send(bytes: Buffer): Promise<void> {
    if (this.#isOver || this.#socket.write(bytes)) return Promise.resolve();
    this.#drained ??= new Promise<void>((resolve) => {
      const go = () => {
        this.#drained = undefined;
        this.#socket.off('drain', go);
        this.#socket.off('close', go);
        resolve();
      };
      this.#socket.once('drain', go);
      this.#socket.once('close', go);
    });
    return this.#drained;
  }

  sendHeaders(streamId: number, fields: Iterable<HeaderField>, endStream: boolean): void {
    const block = encodeHeaders(fields);
    let set: number = endStream ? flags.endStream : 0;
    let type: number = frameTypes.headers;
    for (let at = 0; at < block.length; at += this.#maxFrame) {
      const payload = block.subarray(at, at + this.#maxFrame);
      if (at + payload.length === block.length) set |= flags.endHeaders;
      this.#control(encodeFrame(type, { flags: set, streamId, payload }));
      type = frameTypes.continuation;
      set = 0;
    }
  }

  sendReset(streamId: number, code: number): void {
    this.#control(encodeFrame(frameTypes.rstStream, { streamId, payload: encodeNumber(code) }));
  }

  sendWindowUpdate(streamId: number, bytes: number): void {
    this.#control(encodeFrame(frameTypes.windowUpdate, { streamId, payload: encodeNumber(bytes) }));
  }

  closed(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#wakeWriters();
    this.#endIfIdle();
  }

  #greet(): void {
    const isServer = this.#options.serve !== undefined;
    if (!isServer) this.#control(preface);
    this.#control(
      encodeSettings([
        isServer ? [settingIds.maxStreams, mostStreams] : [settingIds.enablePush, 0],
        [settingIds.initialWindow, receiveWindow],
      ]),
    );
    this.sendWindowUpdate(0, connectionWindow - defaultWindow);
  }

  /** What answers a frame; who sends many and reads none is cut off. */
  #control(frame: Buffer): void {
    if (this.#isOver) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > mostUnread) this.#socket.destroy();
  }

  #receive(): void {
    try {
      if (!this.#hasPreface) this.#hasPreface = this.#reader.takePreface() ?? false;
      if (!this.#hasPreface) return;
      for (let frame = this.#reader.next(); frame && !this.#isOver; frame = this.#reader.next()) this.#take(frame);
    } catch (error) {
      const code = error instanceof Http2Error ? error.code : errorCodes.protocolError;
      const last = encodeNumber(this.#lastId);
      this.#control(encodeFrame(frameTypes.goAway, { payload: Buffer.concat([last, encodeNumber(code)]) }));
      this.#socket.destroy();
      this.#over();
    }
  }

  #take(frame: Frame): void {
    const { type, streamId } = frame;
    if (!this.#hasSettings && type !== frameTypes.settings) throw wrong('a frame before the settings');
    if (this.#block && (type !== frameTypes.continuation || streamId !== this.#block.streamId)) {
      throw wrong('a frame amid headers');
    }
    this.#takers[type]?.(frame);
  }

  /** By the type of the frame; others are to be passed over. */
  readonly #takers: Readonly<Record<number, (frame: Frame) => void>> = {
    [frameTypes.data]: (frame) => this.#takeData(frame),
    [frameTypes.headers]: (frame) => this.#takeHeaders(frame),
    [frameTypes.continuation]: ({ payload, flags }) => this.#addHeaders(payload, flags),
    [frameTypes.rstStream]: ({ streamId }) => this.#known(streamId)?.fail(this.#options.lost()),
    [frameTypes.settings]: (frame) => this.#takeSettings(frame),
    [frameTypes.ping]: (frame) => this.#takePing(frame),
    [frameTypes.goAway]: ({ payload }) => this.#takeGoAway(numberIn(payload, 0) & largestWindow),
    [frameTypes.windowUpdate]: (frame) => this.#takeWindowUpdate(frame),
    [frameTypes.pushPromise]: () => {
      throw wrong('a push');
    },
  };

  #takePing({ type, flags: set, payload }: Frame): void {
    if (payload.length !== 8) throw new Http2Error(errorCodes.frameSizeError, 'a ping of another size');
    if ((set & flags.ack) === 0) this.#control(encodeFrame(type, { flags: flags.ack, payload }));
  }

  /** The other side goes: what it has not begun it will not do. */
  #takeGoAway(lastId: number): void {
    this.#isClosing = true;
    if (!this.#options.serve) {
      for (const stream of [...this.#streams.values()]) if (stream.id > lastId) stream.fail(this.#options.lost());
    }
    this.#endIfIdle();
  }

  #takeData(frame: Frame): void {
    const { streamId, payload } = frame;
    const stream = this.#known(streamId);
    this.#window -= payload.length;
    if (this.#window < 0) throw new Http2Error(errorCodes.flowControlError, 'more bytes than were asked for');
    // At once: a stream that nobody reads has a window of its own, and is not to hold up the others.
    if (this.#window < connectionWindow / 2) {
      this.sendWindowUpdate(0, connectionWindow - this.#window);
      this.#window = connectionWindow;
    }
    if (!stream) return;
    if (!stream.receiveData(contentOf(frame), payload.length)) stream.reset(errorCodes.flowControlError);
    else if ((frame.flags & flags.endStream) !== 0) stream.receiveEnd();
  }

  #takeHeaders(frame: Frame): void {
    this.#block = {
      streamId: frame.streamId,
      endStream: (frame.flags & flags.endStream) !== 0,
      parts: [],
      bytes: 0,
    };
    this.#addHeaders(contentOf(frame), frame.flags);
  }

  #addHeaders(part: Buffer, set: number): void {
    const block = this.#block;
    if (!block) throw wrong('headers that go on without having begun');
    block.parts.push(part);
    block.bytes += part.length;
    // Empty parts are counted as well: there is no end to them otherwise.
    if (block.bytes > mostHeaderBytes || block.parts.length > mostHeaderBytes / 1024) {
      throw new Http2Error(errorCodes.enhanceYourCalm, 'headers of too many bytes');
    }
    if ((set & flags.endHeaders) === 0) return;
    this.#block = undefined;
    const headers = collect(this.#decoder.decode(Buffer.concat(block.parts), mostHeaderBytes));
    const stream = this.#streams.get(block.streamId);
    if (stream) {
      stream.receiveHeaders(headers, block.endStream);
      return;
    }
    const opened = this.#accept(block.streamId, headers);
    if (block.endStream) opened?.receiveEnd();
    if (opened) this.#options.serve?.(opened);
  }

  /** A stream of the other side; undefined for one that is over, or one too many. */
  #accept(id: number, headers: Headers): Http2Stream | undefined {
    if (!this.#options.serve || id <= this.#lastId) return void this.#known(id);
    if (id % 2 === 0) throw wrong('a stream with a number that is ours to give');
    this.#lastId = id;
    if (this.#isClosing || this.#streams.size >= mostStreams) {
      this.sendReset(id, errorCodes.refusedStream);
      return undefined;
    }
    const stream = new Http2Stream(this, id, { credit: this.#initialCredit, headers });
    this.#streams.set(id, stream);
    return stream;
  }

  /** Undefined where it is over. */
  #known(id: number): Http2Stream | undefined {
    const last = this.#options.serve ? this.#lastId : this.#nextId - 2;
    if (id === 0 || id % 2 === 0 || id > last) throw wrong(`a frame of stream ${id}, which nobody has opened`);
    return this.#streams.get(id);
  }

  #takeSettings({ flags: set, payload }: Frame): void {
    if ((set & flags.ack) !== 0) return;
    for (const [id, value] of decodeSettings(payload)) {
      if (id === settingIds.initialWindow) this.#changeInitialCredit(value);
      if (id !== settingIds.maxFrame) continue;
      if (value < defaultMaxFrame || value >= 2 ** 24) throw wrong('frames of a size that is not allowed');
      this.#maxFrame = value;
    }
    this.#hasSettings = true;
    this.#control(encodeFrame(frameTypes.settings, { flags: flags.ack }));
  }

  /** Also of the streams that are open, whose credit may fall below nothing by it. RFC 9113, section 6.9.2 */
  #changeInitialCredit(value: number): void {
    if (value > largestWindow) throw new Http2Error(errorCodes.flowControlError, 'a window that is too large');
    for (const stream of this.#streams.values()) stream.grant(value - this.#initialCredit);
    this.#initialCredit = value;
    this.#wakeWriters();
  }

  #takeWindowUpdate({ streamId, payload }: Frame): void {
    const bytes = numberIn(payload, 0) & largestWindow;
    if (streamId === 0) {
      this.#credit += bytes;
      if (bytes === 0 || this.#credit > largestWindow) {
        throw new Http2Error(errorCodes.flowControlError, 'a window that is too large');
      }
    } else {
      const stream = this.#known(streamId);
      if (stream && (bytes === 0 || stream.grant(bytes) > largestWindow)) stream.reset(errorCodes.flowControlError);
    }
    this.#wakeWriters();
  }

  #wakeWriters(): void {
    const { resolve } = this.#credited;
    this.#credited = Promise.withResolvers<void>();
    resolve();
  }

  #endIfIdle(): void {
    if (this.#isClosing && this.#streams.size === 0) this.#socket.end();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stream of [...this.#streams.values()]) stream.fail(this.#options.lost());
    this.#wakeWriters();
    this.#socket.end();
    this.#end();
  }
}

/** By name; what comes several times as a list. */
function collect(fields: readonly HeaderField[]): Headers {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of fields) {
    const known = headers[name];
    headers[name] = known === undefined ? value : [known, value].flat();
  }
  return headers;
}

function numberIn(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw new Http2Error(errorCodes.frameSizeError, 'a frame that is cut off');
  return payload.readUInt32BE(at);
}

function wrong(what: string): Http2Error {
  return new Http2Error(errorCodes.protocolError, what);
}
