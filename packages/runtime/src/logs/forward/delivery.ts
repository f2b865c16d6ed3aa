import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSender } from '../drivers/create-sender.ts';
import type { Forwarding } from '../drivers/forwarding.ts';
import { MessageReader } from '../drivers/log-message.ts';
import type { Sender } from '../drivers/sender.ts';
import { LogChanges } from '../log-changes.ts';
import { LogCursor, type LogPosition } from './log-cursor.ts';
import { MessageQueue, type QueuedMessage } from './message-queue.ts';
import { undelivered } from './undelivered.ts';

export interface DeliveryRequest {
  readonly path: string;
  readonly forwarding: Forwarding;
}

/** Bytes read ahead of a receiver that is waited for. */
const readAhead = 256 * 1024;
/** Milliseconds that a receiver may take its time without anything being lost to a full buffer. */
const pause = 250;
const lockWait = 50;

type Warn = (what: string, error: unknown) => void;

/** Hands one log to its receiver, from where the last delivery of it stopped, until the log has ended. */
export class Delivery {
  readonly done: Promise<void>;
  readonly #request: DeliveryRequest;
  readonly #warn: Warn;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<void>();

  constructor(request: DeliveryRequest, warn: Warn) {
    this.#request = request;
    this.#warn = warn;
    this.done = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) warn(`delivering ${request.path}`, error);
    });
  }

  /** No more will be written than there is. */
  end(): void {
    this.#ended.resolve();
  }

  /** Leaves off; what has been delivered is known to the next delivery. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    using cursor = await this.#openCursor();
    if (!cursor) return;
    const { forwarding } = this.#request;
    const { bufferSize } = forwarding;
    const lossy = bufferSize !== undefined;
    const queue = new MessageQueue({ size: bufferSize ?? readAhead, patience: lossy ? pause : undefined });
    const sender = createSender(forwarding);
    this.#stop.signal.addEventListener('abort', () => queue.end(), { once: true });
    try {
      await Promise.all([this.#read(queue, cursor.read()), this.#send(queue, sender, cursor)]);
    } finally {
      sender.close();
    }
  }

  /** Another forwarder, whose supervisor was replaced, may be about to let go of it. */
  async #openCursor(): Promise<LogCursor | undefined> {
    while (!this.#stop.signal.aborted) {
      if (!existsSync(dirname(this.#request.path))) return undefined;
      const cursor = LogCursor.tryOpen(this.#request.path);
      if (cursor) return cursor;
      await delay(lockWait);
    }
    return undefined;
  }

  async #read(queue: MessageQueue, begin: LogPosition | undefined): Promise<void> {
    const { path } = this.#request;
    const messages = new MessageReader(() => randomBytes(32).toString('hex'));
    let lost = 0;
    try {
      using changes = new LogChanges(path, this.#ended.promise, this.#stop.signal);
      for await (const lines of undelivered(path, begin, changes)) {
        for (const { text, after } of lines) {
          if (this.#stop.signal.aborted) return;
          const message = messages.read(text);
          if (message && !(await queue.push({ message, after }))) lost += 1;
        }
      }
    } finally {
      queue.end();
      if (lost > 0) this.#warn(`delivering ${path}`, new Error(`${lost} lines found no place in the buffer`));
    }
  }

  async #send(queue: MessageQueue, sender: Sender, cursor: LogCursor): Promise<void> {
    for (let batch = await queue.next(); batch && !this.#stop.signal.aborted; batch = await queue.next()) {
      await this.#sendBatch(batch, sender);
      if (this.#stop.signal.aborted) return;
      cursor.write(batch.at(-1)!.after);
      queue.remove(batch.length);
    }
  }

  async #sendBatch(batch: readonly QueuedMessage[], sender: Sender): Promise<void> {
    const messages = batch.map(({ message }) => message);
    for (let failures = 1; !this.#stop.signal.aborted; failures++) {
      try {
        await sender.send(messages);
        return;
      } catch (error) {
        const { driver, container } = this.#request.forwarding;
        if (failures === 1) this.#warn(`delivering the log of ${container.name} by ${driver}`, error);
        const patience = sender.patience(failures);
        if (patience === undefined) {
          this.#warn(
            `delivering the log of ${container.name} by ${driver}`,
            new Error(`${batch.length} lines given up`),
          );
          return;
        }
        await delay(patience, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }
}
