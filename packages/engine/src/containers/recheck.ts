import { timestamp } from '@wharf/base/timestamp';
import type { ProcessState } from '@wharf/runtime/supervisor/supervisor';
import type { ContainerDeps } from '../engine-deps.ts';
import { finishExec } from '../exec/finish.ts';
import { isUp } from './container-state.ts';
import { handleExit, unknownExit } from './exit.ts';

/**
 * The supervisor was lost and is back: what it does not know any more has ended, and nobody saw how. Containers that
 * are being started or torn down meanwhile are left to whoever does that.
 */
export async function recheckProcesses(deps: ContainerDeps): Promise<void> {
  const { containers, execs, supervisor, locks } = deps;
  const expected = [...containers.values()].filter(({ id, state }) => isUp(state.status) && !locks.isHeld(id));
  const running = execs.running();
  const found = new Map<string, ProcessState>();
  for (const state of await supervisor.list()) found.set(state.execId ?? state.id, state);
  for (const { id } of running) {
    const state = found.get(id);
    if (state?.status !== 'running') finishExec(deps, id, state?.exit?.exitCode ?? unknownExit);
  }
  for (const { id } of expected) {
    const state = found.get(id);
    if (state?.status === 'running') continue;
    await handleExit(deps, state?.exit ?? { id, exitCode: unknownExit, exitedAt: timestamp(), oomKilled: false });
  }
}
