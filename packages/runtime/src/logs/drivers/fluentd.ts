import { randomUUID } from 'node:crypto';
import { Decoder, Encoder, ExtData } from '@msgpack/msgpack';
import { type FluentdOptions, parseFluentdOptions } from './fluentd-options.ts';
import type { Forwarding } from './forwarding.ts';
import type { LogMessage } from './log-message.ts';
import type { Sender } from './sender.ts';
import { StreamConnection } from './stream-connection.ts';

/** Forward protocol, 1.5: EventTime is the extension 0, seconds and nanoseconds in four bytes each. */
function eventTime(time: string, subSecond: boolean): number | ExtData {
  const seconds = Date.parse(`${time.slice(0, 19)}Z`) / 1000;
  if (!subSecond) return seconds;
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(seconds, 0);
  bytes.writeUInt32BE(Number(time.slice(20, 29)), 4);
  return new ExtData(0, bytes);
}

function record({ stream, line, partial }: LogMessage, { container, attributes }: Forwarding): object {
  return {
    container_id: container.id,
    container_name: `/${container.name}`,
    source: stream,
    log: line.toString(),
    ...attributes,
    ...(partial && {
      partial_message: 'true',
      partial_id: partial.id,
      partial_ordinal: String(partial.ordinal),
      partial_last: String(partial.last),
    }),
  };
}

/** Fluentd's client for Go: half as long again each time, and no longer than this. */
const growth = 1.5;
const longestWait = 60_000;

/** The forward protocol, in its mode of the same name: many entries of one tag at once. */
export class FluentdSender implements Sender {
  readonly #forwarding: Forwarding;
  readonly #options: FluentdOptions;
  readonly #connection: StreamConnection;
  readonly #encoder = new Encoder();
  #connected = 0;
  #answer: Buffer = Buffer.alloc(0);
  #acknowledged: ((chunk: string) => void) | undefined;

  constructor(forwarding: Forwarding) {
    this.#forwarding = forwarding;
    this.#options = parseFluentdOptions(forwarding.options);
    const { endpoint, writeTimeout } = this.#options;
    this.#connection = new StreamConnection(endpoint, { writeTimeout, received: (bytes) => this.#receive(bytes) });
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    const { subSecondPrecision, requestAck, reconnectMilliseconds } = this.#options;
    if (reconnectMilliseconds > 0 && performance.now() - this.#connected > reconnectMilliseconds) {
      this.#connection.close();
      this.#connected = performance.now();
    }
    const entries = messages.map((message) => [
      eventTime(message.time, subSecondPrecision),
      record(message, this.#forwarding),
    ]);
    const chunk = requestAck ? Buffer.from(randomUUID()).toString('base64') : undefined;
    const option = { size: entries.length, ...(chunk !== undefined && { chunk }) };
    const answered = chunk === undefined ? undefined : this.#answerTo(chunk);
    const bytes = Buffer.from(this.#encoder.encode([this.#forwarding.tag, entries, option]));
    await Promise.all([this.#connection.write(bytes), answered]);
  }

  patience(failures: number): number | undefined {
    const { maxRetries, retryMilliseconds } = this.#options;
    if (failures > maxRetries) return undefined;
    return Math.min(retryMilliseconds * growth ** (failures - 1), longestWait);
  }

  close(): void {
    this.#connection.close();
  }

  async #answerTo(chunk: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // A receiver that never answers has not got it: without a limit of the user's the line would stand still for ever.
    const limit = this.#options.readTimeout || 60_000;
    const timer = setTimeout(() => reject(new Error('read: i/o timeout')), limit);
    this.#acknowledged = (got) => (got === chunk ? resolve() : reject(new Error(`acknowledged ${got}, not ${chunk}`)));
    try {
      await promise;
    } catch (error) {
      this.#connection.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#acknowledged = undefined;
    }
  }

  #receive(bytes: Buffer): void {
    this.#answer = Buffer.concat([this.#answer, bytes]);
    let decoded: unknown;
    try {
      decoded = new Decoder().decode(this.#answer);
    } catch {
      // Not whole yet.
      return;
    }
    this.#answer = Buffer.alloc(0);
    const { ack } = (decoded ?? {}) as { ack?: unknown };
    if (typeof ack === 'string') this.#acknowledged?.(ack);
  }
}
