import type { WaitResponse } from '@wharf/api/container';
import type { WaitCondition } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { isUp } from './container-state.ts';

type WaitDeps = Pick<ContainerDeps, 'containers' | 'waits'>;

/** Armed when it returns: an exit from then on is not missed. */
export function waitContainer(
  { containers, waits }: WaitDeps,
  idOrName: string,
  condition: WaitCondition,
  signal: AbortSignal,
): { exited: Promise<WaitResponse> } {
  const { id, state } = containers.find(idOrName);
  switch (condition) {
    case 'not-running':
      // Between two runs it counts as running.
      if (isUp(state.status) || state.status === 'restarting') return { exited: waits.nextExit(id, signal) };
      return { exited: Promise.resolve(lastExit(state)) };
    case 'next-exit':
      return { exited: waits.nextExit(id, signal) };
    case 'removed':
      return { exited: waits.removal(id, signal) };
  }
}

function lastExit({ exitCode, error }: { exitCode: number; error: string }): WaitResponse {
  return error === '' ? { StatusCode: exitCode } : { StatusCode: exitCode, Error: { Message: error } };
}
