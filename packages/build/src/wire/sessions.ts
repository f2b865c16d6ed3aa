import { EngineError } from '@wharf/base/error';
import type { SessionConnection } from './session-connection.ts';

const waitMilliseconds = 5000;

/** The clients that are connected, by the id that their builds name. */
export class Sessions {
  readonly #open = new Map<string, SessionConnection>();
  readonly #waiting = new Map<string, Set<(session: SessionConnection) => void>>();

  /** Until the client has gone. */
  async hold(session: SessionConnection): Promise<void> {
    if (this.#open.has(session.id)) throw new EngineError('conflict', `session ${session.id} already exists`);
    this.#open.set(session.id, session);
    for (const found of this.#waiting.get(session.id) ?? []) found(session);
    await session.ended;
    this.#open.delete(session.id);
  }

  /** A build may arrive before its session does. */
  async get(id: string): Promise<SessionConnection> {
    const open = this.#open.get(id);
    if (open) return open;
    const { promise, resolve, reject } = Promise.withResolvers<SessionConnection>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(resolve));
    const timer = setTimeout(
      () => reject(new EngineError('not_found', `no active session for ${id}: context deadline exceeded`)),
      waitMilliseconds,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }
}
