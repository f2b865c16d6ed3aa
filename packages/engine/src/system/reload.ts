import { hostname } from 'node:os';
import type { EngineDeps } from '../engine-deps.ts';
import { engineId } from './info.ts';

/** The `reload` event of the daemon, with what holds from now on. */
export function announceReload(
  { database, events }: Pick<EngineDeps, 'database' | 'events'>,
  attributes: Readonly<Record<string, string>>,
): void {
  events.publish({
    type: 'daemon',
    action: 'reload',
    id: engineId({ database }),
    attributes: { ...attributes, name: hostname() },
  });
}
