import type { EventMessage } from '@wharf/api/events';
import { nowNanos } from '@wharf/base/timestamp';
import type { EventHistory } from './event-log.ts';

/** What happened to which object. `attributes` are the Actor's. */
export interface EngineEvent {
  readonly type: EventMessage['Type'];
  /** `create`, `die`, `exec_start: sh -c true`, `health_status: healthy`. */
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970; now if left out. */
  readonly time?: bigint;
}

export interface EventPublisher {
  publish(event: EngineEvent): void;
}

export interface EventSubscription {
  /** Nanoseconds since 1970. Without both bounds nothing is replayed. */
  readonly since?: bigint;
  readonly until?: bigint;
  readonly accepts: (event: EventMessage) => boolean;
}

/** Docker keeps so many events for `since`; here they are those that are found without the disk. */
const kept = 256;
/** A subscriber that does not read loses events rather than the daemon its memory. */
const queueLimit = 8192;

/** The daemon's events: a short memory, and whoever listens now. */
export class EventBus implements EventPublisher {
  readonly #ring: EventMessage[] = [];
  readonly #listeners = new Set<(event: EventMessage) => void>();
  readonly #history: EventHistory | undefined;
  /** Everything since then is in memory. */
  #remembered = nowNanos();

  constructor(history?: EventHistory) {
    this.#history = history;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  publish({ type, action, id, attributes, time = nowNanos() }: EngineEvent): void {
    const message: EventMessage = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: { ...attributes } },
      scope: 'local',
      time: Number(time / 1_000_000_000n),
      timeNano: time,
    };
    this.#ring.push(message);
    if (this.#ring.length > kept) {
      this.#ring.shift();
      this.#remembered = this.#ring[0]!.timeNano;
    }
    this.#history?.append(message);
    for (const listener of this.#listeners) listener(message);
  }

  /** Calls back for each event from now on; returns the function that ends it. */
  listen(listener: (event: EventMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Replays what is remembered between the bounds, then streams until `until`, abort, or for ever. Listens at once. */
  subscribe({ since, until, accepts }: EventSubscription, signal: AbortSignal): AsyncIterable<EventMessage> {
    const past = this.#replay(since, until);
    const queue: EventMessage[] = [];
    let wake = Promise.withResolvers<void>();
    let ended = signal.aborted;
    const stopListening = this.listen((event) => {
      if (queue.length >= queueLimit || !accepts(event)) return;
      queue.push(event);
      wake.resolve();
    });
    const timer = until === undefined ? undefined : setTimeout(end, millisecondsUntil(until));
    signal.addEventListener('abort', end, { once: true });

    function end(): void {
      ended = true;
      stopListening();
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      wake.resolve();
    }

    async function* drain(): AsyncGenerator<EventMessage> {
      try {
        for await (const event of past) {
          if (signal.aborted) return;
          if (accepts(event)) yield event;
        }
        while (!signal.aborted) {
          const next = queue.shift();
          if (next) yield next;
          else if (ended) return;
          else {
            await wake.promise;
            wake = Promise.withResolvers<void>();
          }
        }
      } finally {
        end();
      }
    }
    return drain();
  }

  #replay(since: bigint | undefined, until: bigint | undefined): AsyncIterable<EventMessage> | EventMessage[] {
    if (since === undefined && until === undefined) return [];
    if (this.#history && (since === undefined || since < this.#remembered)) return this.#history.read(since, until);
    return this.#ring.filter(
      ({ timeNano }) => (since === undefined || timeNano >= since) && (until === undefined || timeNano <= until),
    );
  }
}

function millisecondsUntil(until: bigint): number {
  const milliseconds = Number((until - nowNanos()) / 1_000_000n);
  // setTimeout overflows to "at once" above 2^31.
  return Math.min(Math.max(milliseconds, 0), 2 ** 31 - 1);
}
