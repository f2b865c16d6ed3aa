import { createHash } from 'node:crypto';
import { appendFileSync, createReadStream, existsSync, readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Digest } from '@wharf/oci/digest';
import { type StatusResponse, StatusResponseSchema } from '../pb/control_pb.ts';
import type { BuildEvent } from '../solver/progress.ts';
import { encodeProgress } from '../wire/messages.ts';
import type { HistoryBlob } from './build-record.ts';

const lengthBytes = 4;
/** Larger ones are none of ours. */
const mostBytesOfMessage = 16 << 20;
const eventsOfMessage = 200;

/** What a log may take; what comes then is left out. */
const mostBytes = 16 << 20;

/**
 * The progress of a build in a file, as BuildKit keeps it: status responses, each behind its length in four bytes,
 * little-endian. A file that ends amid a message is read up to there.
 */
export class ProgressFile {
  readonly path: string;
  readonly #hash = createHash('sha256');
  #size = 0;
  #isFull = false;

  constructor(path: string) {
    this.path = path;
  }

  append(events: readonly BuildEvent[]): void {
    const frames: Uint8Array[] = [];
    for (const message of messagesOf(events)) {
      const part = message.filter((event) => !this.#isFull || event.kind === 'vertex');
      if (part.length > 0) frames.push(...this.#frame(part));
    }
    if (frames.length === 0) return;
    const bytes = Buffer.concat(frames);
    this.#hash.update(bytes);
    appendFileSync(this.path, bytes, { mode: 0o600 });
  }

  #frame(events: readonly BuildEvent[]): Uint8Array[] {
    const message = toBinary(StatusResponseSchema, encodeProgress(events));
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(message.length);
    this.#size += lengthBytes + message.length;
    this.#isFull ||= this.#size > mostBytes;
    return [length, message];
  }

  /** Takes over what an earlier daemon has written; undefined where that is nothing. */
  adopt(): HistoryBlob | undefined {
    if (!existsSync(this.path)) return undefined;
    const bytes = readFileSync(this.path);
    this.#hash.update(bytes);
    this.#size = bytes.length;
    return this.blob();
  }

  /** Ends it. */
  blob(): HistoryBlob {
    return { digest: `sha256:${this.#hash.digest('hex')}` as Digest, size: this.#size };
  }
}

/** A message ends with a step, so that who prints one after another has what each step said together. */
function* messagesOf(events: readonly BuildEvent[]): Generator<readonly BuildEvent[]> {
  let begin = 0;
  for (const [at, event] of events.entries()) {
    const endsStep = event.kind === 'vertex' && event.completed !== undefined;
    if (!endsStep && at + 1 - begin < eventsOfMessage) continue;
    yield events.slice(begin, at + 1);
    begin = at + 1;
  }
  if (begin < events.length) yield events.slice(begin);
}

/** What a progress file holds. */
export async function* readProgressFile(path: string): AsyncGenerator<StatusResponse, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= lengthBytes) {
      const length = pending.readUInt32LE(0);
      if (length > mostBytesOfMessage) return;
      if (pending.length < lengthBytes + length) break;
      yield fromBinary(StatusResponseSchema, pending.subarray(lengthBytes, lengthBytes + length));
      pending = pending.subarray(lengthBytes + length);
    }
  }
}
