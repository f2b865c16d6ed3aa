import { errorCodes, Http2Error } from './http2-error.ts';

// RFC 9113, section 6
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const settingIds = { headerTableSize: 1, enablePush: 2, maxStreams: 3, initialWindow: 4, maxFrame: 5 } as const;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const headBytes = 9;
/** What nobody has to agree on: the largest frame we take, too. */
export const defaultMaxFrame = 16384;
export const defaultWindow = 65_535;
export const largestWindow = 2 ** 31 - 1;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Cuts frames out of the bytes of a connection. */
export class FrameReader {
  #pending: Buffer;

  constructor(head: Buffer = Buffer.alloc(0)) {
    this.#pending = head;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** True when it came and was taken, undefined while it has not come whole. */
  takePreface(): true | undefined {
    const known = Math.min(this.#pending.length, preface.length);
    if (!this.#pending.subarray(0, known).equals(preface.subarray(0, known))) {
      throw new Http2Error(errorCodes.protocolError, 'a connection that does not begin as HTTP/2 does');
    }
    if (known < preface.length) return undefined;
    this.#pending = this.#pending.subarray(preface.length);
    return true;
  }

  next(): Frame | undefined {
    const bytes = this.#pending;
    if (bytes.length < headBytes) return undefined;
    const length = bytes.readUIntBE(0, 3);
    if (length > defaultMaxFrame) throw new Http2Error(errorCodes.frameSizeError, `a frame of ${length} bytes`);
    const end = headBytes + length;
    if (bytes.length < end) return undefined;
    this.#pending = bytes.subarray(end);
    return {
      type: bytes[3]!,
      flags: bytes[4]!,
      streamId: bytes.readUInt32BE(5) & 0x7fffffff,
      payload: bytes.subarray(headBytes, end),
    };
  }
}

export function encodeFrame(
  type: number,
  { flags = 0, streamId = 0, payload = Buffer.alloc(0) }: { flags?: number; streamId?: number; payload?: Buffer },
): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + payload.length);
  writeFrameHead(frame, 0, { type, flags, streamId, length: payload.length });
  payload.copy(frame, headBytes);
  return frame;
}

export function writeFrameHead(
  target: Buffer,
  at: number,
  { type, flags, streamId, length }: { type: number; flags: number; streamId: number; length: number },
): void {
  target.writeUIntBE(length, at, 3);
  target[at + 3] = type;
  target[at + 4] = flags;
  target.writeUInt32BE(streamId, at + 5);
}

/** Without what pads it, and what once was a priority. */
export function contentOf({ type, flags: set, payload }: Frame): Buffer {
  let from = 0;
  let padding = 0;
  if ((set & flags.padded) !== 0) {
    padding = payload[0] ?? payload.length;
    from = 1;
  }
  if (type === frameTypes.headers && (set & flags.priority) !== 0) from += 5;
  if (from + padding > payload.length) throw new Http2Error(errorCodes.protocolError, 'a frame that is all padding');
  return payload.subarray(from, payload.length - padding);
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return encodeFrame(frameTypes.settings, { payload });
}

export function decodeSettings(payload: Buffer): [id: number, value: number][] {
  if (payload.length % 6 !== 0) throw new Http2Error(errorCodes.frameSizeError, 'settings that are cut off');
  return Array.from({ length: payload.length / 6 }, (_, index) => [
    payload.readUInt16BE(index * 6),
    payload.readUInt32BE(index * 6 + 2),
  ]);
}
