import type { LogMessage } from '../drivers/log-message.ts';
import type { LogPosition } from './log-cursor.ts';

export interface QueuedMessage {
  readonly message: LogMessage;
  readonly after: LogPosition;
}

export interface QueueLimits {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds that a message waits for a place before it is lost; undefined is for ever. */
  readonly patience: number | undefined;
}

const batch = 256;
/** What a message costs besides its text. */
const overhead = 100;

/** Between the reader of a log and its receiver. */
export class MessageQueue {
  readonly #limits: QueueLimits;
  #queue: QueuedMessage[] = [];
  #bytes = 0;
  #ended = false;
  #filled = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** False if there was no place. */
  async push(queued: QueuedMessage): Promise<boolean> {
    if (this.#bytes > this.#limits.size && !(await this.#place())) return false;
    this.#queue.push(queued);
    this.#bytes += queued.message.line.length + overhead;
    this.#filled.resolve();
    return true;
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#filled.resolve();
    this.#taken.resolve();
  }

  /** The next messages, which stay until `remove`; undefined at the end. */
  async next(): Promise<readonly QueuedMessage[] | undefined> {
    while (this.#queue.length === 0) {
      if (this.#ended) return undefined;
      await this.#filled.promise;
      this.#filled = Promise.withResolvers<void>();
      if (this.#ended) this.#filled.resolve();
    }
    return this.#queue.slice(0, batch);
  }

  remove(count: number): void {
    for (const { message } of this.#queue.slice(0, count)) this.#bytes -= message.line.length + overhead;
    this.#queue = this.#queue.slice(count);
    this.#taken.resolve();
    this.#taken = Promise.withResolvers<void>();
  }

  async #place(): Promise<boolean> {
    const { size, patience } = this.#limits;
    while (this.#bytes > size && !this.#ended) {
      const taken = this.#taken.promise.then(() => true);
      if (patience === undefined) await taken;
      else if (!(await Promise.race([taken, after(patience)]))) return false;
    }
    return !this.#ended;
  }
}

function after(milliseconds: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), milliseconds));
}
