import { mkdirSync } from 'node:fs';
import type { EngineRuntime } from '@wharf/engine/engine-runtime';
import type { Runtimes } from './find-runtimes.ts';

export interface LiveRuntimes extends Runtimes {
  /** For containers that start from now on; those that run keep theirs. */
  replace(next: Runtimes): void;
}

/** The runtimes as they are now: a reload of the configuration may change them under whoever holds `byName`. */
export function liveRuntimes(first: Runtimes): LiveRuntimes {
  const byName: Record<string, EngineRuntime> = {};
  let { defaultName } = first;
  function replace(next: Runtimes): void {
    for (const { command } of Object.values(next.byName)) mkdirSync(command.root, { recursive: true, mode: 0o700 });
    for (const name of Object.keys(byName)) if (!Object.hasOwn(next.byName, name)) delete byName[name];
    Object.assign(byName, next.byName);
    defaultName = next.defaultName;
  }
  replace(first);
  return {
    byName,
    get defaultName() {
      return defaultName;
    },
    replace,
  };
}
