import { EngineError } from '@wharf/base/error';
import { Arrivals } from './arrivals.ts';
import type { SessionConnection } from './session-connection.ts';

/** BuildKit's limit. */
const waitMilliseconds = 5000;

/** The clients that are connected, by the id that their builds name. */
export class Sessions {
  readonly #open = new Arrivals<SessionConnection>();

  /** Until the client has gone. */
  async hold(session: SessionConnection): Promise<void> {
    if (this.#open.has(session.id)) throw new EngineError('conflict', `session ${session.id} already exists`);
    this.#open.put(session.id, session);
    await session.ended;
    this.#open.remove(session.id);
  }

  /** A build may arrive before its session does. */
  async get(id: string): Promise<SessionConnection> {
    const missing = `no active session for ${id}: context deadline exceeded`;
    return await this.#open.get(id, { milliseconds: waitMilliseconds, missing });
  }
}
