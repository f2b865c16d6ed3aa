import { KeyedLock } from '@wharf/base/keyed-lock';
import { createBuilds } from './build/create-build-use-cases.ts';
import { archiveContainerPath, extractToContainer, statContainerPath } from './containers/archive.ts';
import { attachContainer } from './containers/attach.ts';
import { removeCgroupParent } from './containers/cgroup-parent.ts';
import { containerChanges } from './containers/changes.ts';
import { createCheckpoint, listCheckpoints, removeCheckpoint, startFromCheckpoint } from './containers/checkpoints.ts';
import { commitContainer } from './containers/commit.ts';
import { ContainerStore } from './containers/container-store.ts';
import { createContainer } from './containers/create.ts';
import { exportContainer } from './containers/export.ts';
import { HealthMonitor } from './containers/health.ts';
import { probeHealth } from './containers/health-probe.ts';
import { inspectContainer } from './containers/inspect.ts';
import { killContainer } from './containers/kill.ts';
import { listContainers } from './containers/list.ts';
import { containerLogs } from './containers/logs.ts';
import { pauseContainer, unpauseContainer } from './containers/pause.ts';
import { pruneContainers } from './containers/prune.ts';
import { recheckProcesses } from './containers/recheck.ts';
import { reconcileContainers } from './containers/reconcile.ts';
import { Removals } from './containers/removals.ts';
import { removeContainer } from './containers/remove.ts';
import { renameContainer } from './containers/rename.ts';
import { resizeContainer } from './containers/resize.ts';
import { restartContainer } from './containers/restart.ts';
import { Restarts } from './containers/restarts.ts';
import { startContainer } from './containers/start.ts';
import { stopContainer } from './containers/stop.ts';
import { stopAllContainers } from './containers/stop-all.ts';
import { Teardowns } from './containers/teardowns.ts';
import { topContainer } from './containers/top.ts';
import { updateContainer } from './containers/update.ts';
import { waitContainer } from './containers/wait.ts';
import { Waits } from './containers/waits.ts';
import type { ContainerUseCases, Engine, ExecUseCases, SystemUseCases } from './engine.ts';
import type { ContainerDeps, EngineDeps } from './engine-deps.ts';
import { createExec } from './exec/create.ts';
import { ExecStore } from './exec/exec-store.ts';
import { inspectExec } from './exec/inspect.ts';
import { resizeExec } from './exec/resize.ts';
import { startExec } from './exec/start.ts';
import { createImageUseCases } from './images/create-image-use-cases.ts';
import { createNetworkUseCases } from './networks/create-network-use-cases.ts';
import { createRegistryUseCases } from './registry/create-registry-use-cases.ts';
import { containerStats } from './stats/stream-stats.ts';
import { diskUsage } from './system/disk-usage.ts';
import { streamEvents } from './system/events.ts';
import { systemInfo } from './system/info.ts';
import { announceReload } from './system/reload.ts';
import { versionInfo } from './system/version.ts';
import { createVolumeUseCases } from './volumes/create-volume-use-cases.ts';

export interface RunningEngine extends Engine {
  /** The daemon is to stop for good: stops every container, all within so many seconds. */
  stopContainers(timeout: number): Promise<void>;
  /** To be called when the supervisor was lost and found again. */
  recheckProcesses(): Promise<void>;
  /** The configuration was reloaded; `attributes` say what holds now. */
  announceReload(attributes: Readonly<Record<string, string>>): void;
  /** Prometheus' text: nothing is counted between two calls. */
  metrics(): Promise<string>;
  /** Stops timers; containers go on. Waits for teardown that is under way. */
  close(): Promise<void>;
}

/** Composes the use cases and reconciles what the last daemon left. Answers are right from then on. */
export async function createEngine(parts: EngineDeps): Promise<RunningEngine> {
  const deps = containerDeps(parts);
  await reconcileContainers(deps);
  const images = createImageUseCases({ ...deps, containers: { values: () => deps.containers.users() } });
  const builds = createBuilds(deps, parts.imageParts);
  const volumes = createVolumeUseCases({ ...deps, locks: new KeyedLock() });
  return {
    warm: () => parts.warmer.warm(50),
    containers: containerUseCases(deps),
    exec: execUseCases(deps),
    images,
    builds,
    registry: createRegistryUseCases(deps),
    networks: createNetworkUseCases(deps),
    volumes,
    system: systemUseCases({ ...deps, useCases: { images, builds } }),
    metrics: async () => (await import('./metrics/collect-metrics.ts')).collectMetrics(deps),
    announceReload: (attributes) => announceReload(parts, attributes),
    recheckProcesses: () => recheckProcesses(deps),
    stopContainers: (timeout) => stopAllContainers(deps, timeout),
    close: async () => {
      deps.restarts.close();
      deps.health.close();
      await deps.teardowns.allSettled();
      await builds.close();
      await parts.trees.close();
      removeCgroupParent(parts.config.cgroupParent);
    },
  };
}

function containerDeps(parts: EngineDeps): ContainerDeps {
  const containers = new ContainerStore(parts.database);
  const health = new HealthMonitor(
    parts.events,
    (id) => containers.get(id),
    (container, timeout) => probeHealth(deps, container, timeout),
  );
  const deps: ContainerDeps = {
    ...parts,
    containers,
    locks: new KeyedLock(),
    waits: new Waits(),
    restarts: new Restarts(),
    teardowns: new Teardowns((id, error) => parts.logger.warn('cleaning up', { container: id, error })),
    execs: new ExecStore(),
    removals: new Removals(),
    health,
  };
  return deps;
}

function containerUseCases(deps: ContainerDeps): ContainerUseCases {
  return {
    create: (name, request, platform) => createContainer(deps, name, request, platform),
    start: (id) => startContainer(deps, id),
    checkpoints: {
      list: (id) => listCheckpoints(deps, id),
      create: (id, checkpoint) => createCheckpoint(deps, id, checkpoint),
      remove: (id, checkpoint) => removeCheckpoint(deps, id, checkpoint),
      start: (id, checkpoint) => startFromCheckpoint(deps, id, checkpoint),
    },
    stop: (id, options) => stopContainer(deps, id, options),
    restart: (id, options) => restartContainer(deps, id, options),
    kill: (id, signal) => killContainer(deps, id, signal),
    pause: (id) => pauseContainer(deps, id),
    unpause: (id) => unpauseContainer(deps, id),
    rename: (id, name) => renameContainer(deps, id, name),
    remove: (id, options) => removeContainer(deps, id, options),
    wait: async (id, condition, signal) => waitContainer(deps, id, condition, signal),
    list: (options) => listContainers(deps, options),
    inspect: (id, options) => inspectContainer(deps, id, options),
    logs: (id, options, signal) => containerLogs(deps, id, options, signal),
    attach: (id, options) => attachContainer(deps, id, options),
    resize: (id, size) => resizeContainer(deps, id, size),
    top: (id, psArgs) => topContainer(deps, id, psArgs),
    prune: (filters) => pruneContainers(deps, filters),
    statPath: (id, path) => statContainerPath(deps, id, path),
    archive: (id, path) => archiveContainerPath(deps, id, path),
    extract: (id, path, archive, options) => extractToContainer(deps, id, path, archive, options),
    export: (id) => exportContainer(deps, id),
    changes: (id) => containerChanges(deps, id),
    commit: (request) => commitContainer(deps, request),
    update: (id, request) => updateContainer(deps, id, request),
    stats: async (id, options, signal) => containerStats(deps, id, options, signal),
  };
}

function execUseCases(deps: ContainerDeps): ExecUseCases {
  return {
    create: async (id, request) => createExec(deps, id, request),
    start: (id, options) => startExec(deps, id, options),
    inspect: async (id) => inspectExec(deps, id),
    resize: (id, size) => resizeExec(deps, id, size),
  };
}

function systemUseCases(deps: Parameters<typeof diskUsage>[0] & ContainerDeps): SystemUseCases {
  return {
    info: () => systemInfo(deps),
    version: async () => versionInfo(deps),
    diskUsage: (types) => diskUsage(deps, types),
    events: (options, signal) => streamEvents(deps, options, signal),
  };
}
