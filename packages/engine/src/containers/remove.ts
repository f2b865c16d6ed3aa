import { conflict, EngineError } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import { zeroTime } from '@wharf/base/timestamp';
import { runAll } from '@wharf/base/transaction';
import type { ContainerDeps } from '../engine-deps.ts';
import { removalInProgress } from './container-errors.ts';
import { removeContainerFiles } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp, requireAllowed } from './container-state.ts';
import { sendSignal } from './kill.ts';
import { linksForSandbox, removeLink } from './links.ts';
import { isForwarded } from './log-target.ts';
import { refreshNetworkFiles } from './network-files.ts';
import { publishContainer } from './publish.ts';

const SIGKILL = 9;

/** Milliseconds for which a receiver of logs that is away keeps what is left of a removed container. */
const deliveryPatience = 5000;

export interface RemoveOptions {
  readonly force: boolean;
  /** Anonymous volumes too. */
  readonly volumes: boolean;
  /** Remove a legacy link instead of the container. */
  readonly link: boolean;
}

export async function removeContainer(deps: ContainerDeps, idOrName: string, options: RemoveOptions): Promise<void> {
  const { containers, removals, waits } = deps;
  if (options.link) {
    await unlink(deps, idOrName);
    return;
  }
  const { id, name } = containers.find(idOrName);
  if (!removals.begin(id)) throw removalInProgress(idOrName);
  try {
    const record = containers.find(id);
    if (!options.force) requireRemovable(record);
    if (isUp(record.state.status) || record.state.status === 'restarting') {
      const exited = waits.nextExit(id);
      await killUnlessGone(deps, record);
      await exited;
    }
    await deps.locks.run(id, async () => {
      const stopped = containers.get(id);
      // With --rm the exit has removed it already, which is what was asked for.
      if (!stopped) return;
      if (isUp(stopped.state.status)) throw conflict(`container is ${stopped.state.status}`);
      await eraseContainer(deps, stopped, options);
    });
    await deps.database.flush();
  } catch (error) {
    const { code, message, cause } = EngineError.from(error);
    throw new EngineError(code, `cannot remove container "/${name}": ${message}`, { cause });
  } finally {
    removals.end(id);
  }
}

/** The container that had the link keeps its addresses; its /etc/hosts follows. */
async function unlink(deps: ContainerDeps, text: string): Promise<void> {
  const { id } = removeLink(deps, text);
  deps.networking.relink(id, linksForSandbox(deps, deps.containers.find(id)));
  const sandbox = deps.networking.sandbox(id);
  if (sandbox) refreshNetworkFiles(deps.config, id, sandbox);
  await deps.database.flush();
}

function requireRemovable(record: ContainerRecord): void {
  if (record.state.status === 'restarting') {
    throw conflict('container is restarting: stop the container before removing or force remove');
  }
  requireAllowed('remove', record);
}

/** What `--rm` does after the exit. The caller holds the container's lock. */
export async function removeStopped(
  deps: ContainerDeps,
  record: ContainerRecord,
  options: { readonly volumes: boolean },
): Promise<void> {
  const ours = deps.removals.begin(record.id);
  try {
    await eraseContainer(deps, record, options);
  } finally {
    if (ours) deps.removals.end(record.id);
  }
}

/**
 * The record's deletion is the removal: name, id and volumes are free from then on, and a daemon that dies
 * afterwards finds leftovers without an owner and sweeps them. Directories and mounts go behind the answer.
 */
async function eraseContainer(
  deps: ContainerDeps,
  record: ContainerRecord,
  { volumes }: { readonly volumes: boolean },
): Promise<void> {
  const { containers, events, waits, restarts, teardowns, fault, logger } = deps;
  const { id, mounts, state } = record;
  restarts.reset(id);
  deps.health.forget(id);
  deps.execs.forget(id);
  const held = mounts.filter(({ type }) => type === 'volume');
  const anonymous = volumes ? held.filter((mount) => mount.anonymous) : [];
  if (anonymous.length > 0) {
    fault('remove.doom');
    containers.update(id, { phase: 'doomed' });
  }
  for (const { name } of held) deps.volumes.release(name, id);
  const failures = await runAll(
    anonymous.map(({ name }) => async () => {
      fault('remove.volume');
      if (deps.volumes.users(name).length === 0) await deps.volumes.remove(name, { force: false });
    }),
  );
  for (const error of failures) logger.warn('removing an anonymous volume', { container: shortId(id), error });
  fault('remove.record');
  containers.delete(id);
  teardowns.begin(id, async () => {
    // Clients may have attached to what never started.
    if (state.startedAt === zeroTime) await deps.supervisor.delete(id);
    if (isForwarded(record)) await deps.supervisor.delivered(id, deliveryPatience);
    fault('remove.snapshot');
    await deps.snapshots.remove(id);
    fault('remove.files');
    await removeContainerFiles(deps.config, id);
  });
  publishContainer(events, record, 'destroy');
  waits.removed(id, { StatusCode: state.exitCode });
}

async function killUnlessGone(deps: ContainerDeps, record: ContainerRecord): Promise<void> {
  try {
    await sendSignal(deps, record, SIGKILL);
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'conflict')) throw error;
  }
}
