import { shortId } from '@wharf/base/id';
import { timestamp } from '@wharf/base/timestamp';
import { runAll } from '@wharf/base/transaction';
import { within } from '@wharf/base/within';
import type { ProcessExit } from '@wharf/runtime/supervisor/supervisor';
import type { ContainerDeps } from '../engine-deps.ts';
import { finishExec } from '../exec/finish.ts';
import type { ContainerMount, ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { publishContainer, publishVolumeUnmount } from './publish.ts';
import { publishEndpoints } from './publish-endpoints.ts';
import { removeStopped } from './remove.ts';
import { restartByPolicy } from './start.ts';
import { releaseRun } from './teardown.ts';

/** What Docker shows for a process whose end nobody saw: the host went down, or the supervisor was killed. */
export const unknownExit = 255;

/** A process that keeps the container's stdout open must not hold back the news of its exit. Seconds. */
const drainLimit = 2;

/** From now on exits are handled; the supervisor reports those again that nobody has acknowledged. */
export function watchExits(deps: ContainerDeps): void {
  deps.supervisor.onExit((exit) => {
    handleExit(deps, exit).catch((error: unknown) => {
      deps.logger.error('handling an exit', { container: shortId(exit.id), error });
    });
  });
}

/** Called for each exit that the supervisor reports, at least once each. */
export async function handleExit(deps: ContainerDeps, exit: ProcessExit): Promise<void> {
  if (exit.execId !== undefined) {
    finishExec(deps, exit.execId, exit.exitCode);
    return;
  }
  await deps.locks.run(exit.id, async () => {
    const record = deps.containers.get(exit.id);
    if (!record || !isUp(record.state.status)) return;
    // While this waited for the lock, a start may have swept what exited and made the container anew.
    if (exit.pid !== undefined && exit.pid !== record.state.pid) return;
    await settleExit(deps, record, exit);
  });
}

/**
 * The container's process is gone: say so, in Docker's order, once its output is in the log and its address and
 * ports are free. What takes longer goes on behind the answer. The caller holds the container's lock.
 */
async function settleExit(deps: ContainerDeps, record: ContainerRecord, exit: ProcessExit): Promise<void> {
  const { containers, events, waits, restarts, teardowns, fault, logger } = deps;
  const { id } = record;
  fault('exit.begin');
  await outputLogged(deps, id);
  fault('exit.release');
  // The release comes first, so that who hears of the end finds address and ports free; its events come after `die`.
  const news: (() => void)[] = [];
  const failures = await runAll([
    () => closeNetwork(deps, id, news),
    ...record.mounts.filter(({ type }) => type === 'volume').map((mount) => () => unmountVolume(deps, id, mount, news)),
  ]);
  for (const error of failures) logger.warn('releasing an exited container', { container: shortId(id), error });

  const ranFor = Date.parse(exit.exitedAt) - Date.parse(record.state.startedAt);
  const delay = restarts.nextDelay(id, record.hostConfig.RestartPolicy, {
    exitCode: exit.exitCode,
    restartCount: record.restartCount,
    manuallyStopped: record.manuallyStopped,
    runMilliseconds: ranFor,
  });
  fault('exit.record');
  // A run's snapshot stays mounted until the teardown; only the record tells whether the container is up.
  const stopped = containers.updateState(
    id,
    {
      status: delay === undefined ? 'exited' : 'restarting',
      pid: 0,
      exitCode: exit.exitCode,
      oomKilled: exit.oomKilled,
      finishedAt: exit.exitedAt || timestamp(),
    },
    delay === undefined ? {} : { restartCount: record.restartCount + 1 },
  );
  for (const exec of deps.execs.ofContainer(id)) finishExec(deps, exec.id, exit.exitCode);
  if (exit.oomKilled) publishContainer(events, stopped, 'oom');
  const seconds = String(Math.max(0, Math.round(ranFor / 1000)));
  publishContainer(events, stopped, 'die', { execDuration: seconds, exitCode: String(exit.exitCode) });
  for (const publish of news) publish();
  deps.health.end(id);
  waits.exited(id, { StatusCode: exit.exitCode });
  teardowns.begin(id, () => releaseRun(deps, stopped));
  if (delay !== undefined) restarts.schedule(id, delay, () => void restartByPolicy(deps, id));
  else if (stopped.hostConfig.AutoRemove && !deps.removals.isKept(id))
    await removeStopped(deps, stopped, { volumes: true });
}

/** Resolves when all output is in the log, or the patience ends. */
async function outputLogged({ supervisor, logger }: ContainerDeps, id: string): Promise<void> {
  const drained = supervisor.drained(id).catch((error: unknown) => {
    logger.warn('draining the output of an exited container', { container: shortId(id), error });
  });
  await within(drained, drainLimit);
}

async function closeNetwork(deps: ContainerDeps, id: string, news: (() => void)[]): Promise<void> {
  const endpoints = Object.keys(deps.networking.sandbox(id)?.endpoints ?? {});
  await deps.networking.closeSandbox(id);
  news.push(() => publishEndpoints(deps, id, endpoints, 'disconnect'));
}

async function unmountVolume(
  { volumes, events }: ContainerDeps,
  id: string,
  mount: ContainerMount,
  news: (() => void)[],
): Promise<void> {
  await volumes.unmount(mount.name, id);
  news.push(() => publishVolumeUnmount(events, id, mount));
}
