import type { ExecCreateRequest } from '@wharf/api/exec';
import { conflict, invalidArgument } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { requireAllowed } from '../containers/container-state.ts';
import { parseDetachKeys } from '../containers/detach-keys.ts';
import { publishContainer } from '../containers/publish.ts';
import type { ContainerDeps } from '../engine-deps.ts';

type CreateExecDeps = Pick<ContainerDeps, 'containers' | 'execs' | 'events' | 'removals'>;

/** Notes what to run; nothing runs before `start`. */
export function createExec(
  { containers, execs, events, removals }: CreateExecDeps,
  idOrName: string,
  request: ExecCreateRequest,
): { Id: string } {
  const command = request.Cmd ?? [];
  if (command.length === 0) throw invalidArgument('no exec command specified');
  if (request.DetachKeys !== '') parseDetachKeys(request.DetachKeys);
  checkEnvironment(request.Env);
  const container = containers.find(idOrName);
  requireAllowed('exec', container);
  if (removals.isRemoving(container.id)) throw conflict(`container ${container.id} is not running`);
  const id = newId();
  execs.put({ id, containerId: container.id, request, status: 'created', pid: 0, exitCode: undefined });
  publishContainer(events, container, `exec_create: ${command.join(' ')}`, { execID: id });
  return { Id: id };
}

function checkEnvironment(env: readonly string[] | null): void {
  for (const entry of env ?? []) {
    if (entry === '' || entry.startsWith('=')) throw invalidArgument(`invalid environment variable: ${entry}`);
  }
}
