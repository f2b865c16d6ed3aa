import { mkdirSync } from 'node:fs';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import type { DaemonEnvironment } from './config/config.ts';
import type { Settings } from './config/options.ts';
import { formatReloaded, mergeReloaded } from './config/reload.ts';
import { keepPassedDescriptors, type Listeners, listen, removeStaleSockets } from './listen/listen.ts';
import { openLog } from './log.ts';
import { claimPidFile } from './pid-file.ts';
import { makeRemappedDataRoot, openRemappedRoot } from './remap/remapped-root.ts';
import { serveMetrics } from './serve-metrics.ts';
import { serveRegistry } from './serve-registry.ts';
import { watchSignals } from './shutdown.ts';
import { linkSupervisor } from './supervisor-link.ts';
import { feedWatchdog, notifySystemd, type SystemdState } from './systemd.ts';
import { becomeNextProgram, checkNextProgram } from './upgrade.ts';
import { build } from './version.ts';
import type { WiredDaemon } from './wire.ts';

/**
 * Runs the daemon until SIGTERM or SIGINT, or until it becomes another program. Resolves with the exit code.
 * `load` reads flags, environment and file, again at each SIGHUP.
 */
export async function runDaemon(load: () => Settings, environment: DaemonEnvironment): Promise<number> {
  const settings = load();
  const live = { settings };
  if (process.getuid?.() !== 0) throw invalidArgument('wharfd needs to be started with root privileges');
  keepPassedDescriptors(environment.listenFds);
  const logger = openLog(() => live.settings);
  surviveDefects(logger);
  mkdirSync(settings['exec-root'], { recursive: true, mode: 0o711 });
  mkdirSync(settings['data-root'], { recursive: true, mode: 0o710 });
  const remapped = openRemappedRoot(settings['userns-remap'], logger);
  const dataRoot = remapped ? makeRemappedDataRoot(settings['data-root'], remapped) : settings['data-root'];
  const pidFile = claimPidFile(settings.pidfile);
  const signals = watchSignals(logger);
  try {
    const inherited = environment.handedOver ?? new Map();
    removeStaleSockets(settings.hosts, inherited);
    const link = linkSupervisor(settings['exec-root']);
    // It starts meanwhile on another processor: what follows is read for a tenth of a second.
    await link.begun;
    const [{ wire }, { createApiServer }] = await Promise.all([
      import('./wire.ts'),
      import('@wharf/server/api-server'),
    ]);
    const daemon = await wire(() => live.settings, environment, { dataRoot, remapped, link, logger });
    const server = createApiServer({
      engine: daemon.engine,
      authorizer: daemon.authorizer,
      logger,
      serverVersion: build.version,
      experimental: settings.experimental,
      minimumVersion: settings['min-api-version'],
    });
    const listeners = await listen({
      hosts: settings.hosts,
      group: settings.group,
      tls: tlsFiles(settings),
      passedDescriptors: environment.listenFds,
      inherited,
      accept: server.accept,
      logger,
    });
    const closeMetrics = serveMetrics(settings['metrics-addr'], daemon.metrics, logger);
    const notify = (state: SystemdState) => notifySystemd(environment.notifySocket, state, logger);
    notify('READY=1');
    feedWatchdog(environment, logger);
    const registry = await serveRegistry(settings, logger);
    logger.info('Daemon has completed initialization');

    let signal = await signals.next();
    for (; signal === 'upgrade' || signal === 'hangup'; signal = await signals.next()) {
      if (signal === 'upgrade') {
        await upgrade(daemon, listeners, logger);
        continue;
      }
      notify('RELOADING=1');
      await reload(live, { load, daemon, logger });
      notify('READY=1');
    }
    logger.info(`Processing signal '${signal}'`);
    notify('STOPPING=1');
    listeners.close();
    closeMetrics();
    await Promise.all([daemon.shutdown(), registry?.close()]);
    logger.info('Daemon shutdown complete');
    return 0;
  } finally {
    pidFile.remove();
  }
}

/** What cannot be used leaves everything as it was. */
async function reload(
  live: { settings: Settings },
  { load, daemon, logger }: { load: () => Settings; daemon: WiredDaemon; logger: Logger },
): Promise<void> {
  logger.info('Got signal to reload configuration');
  const before = live.settings;
  try {
    const { settings, waiting } = mergeReloaded(before, load());
    live.settings = settings;
    await daemon.reload(settings);
    logger.info('Reloaded configuration', { config: formatReloaded(settings) });
    if (waiting.length > 0) logger.warn('Changed settings that wait for the next start', { keys: waiting.join(', ') });
  } catch (error) {
    live.settings = before;
    logger.error('Error reconfiguring the daemon', { error: EngineError.from(error).message });
  }
}

/** Returns only when the next program cannot run: then nothing has changed. */
async function upgrade(daemon: WiredDaemon, listeners: Listeners, logger: Logger): Promise<void> {
  try {
    await checkNextProgram();
  } catch (error) {
    logger.error('Cannot upgrade', { error: EngineError.from(error).message });
    return;
  }
  logger.info('Upgrading in place');
  const sockets = listeners.handOver();
  await daemon.release();
  becomeNextProgram(sockets);
}

/** A defect in one request must not end the others. */
function surviveDefects(logger: Logger): void {
  const report = (error: unknown) => {
    logger.error('A defect was met', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  };
  process.on('uncaughtException', report);
  process.on('unhandledRejection', report);
}

function tlsFiles(settings: Settings): Parameters<typeof listen>[0]['tls'] {
  if (!settings.tls) return undefined;
  return { cert: settings.tlscert, key: settings.tlskey, ca: settings.tlscacert, verify: settings.tlsverify };
}
