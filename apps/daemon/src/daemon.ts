import { mkdirSync } from 'node:fs';
import { createApiServer } from '@wharf/server/api-server';
import type { DaemonEnvironment } from './config/config.ts';
import type { Settings } from './config/options.ts';
import { keepPassedDescriptors, listen, removeStaleSockets } from './listen/listen.ts';
import { openLog } from './log.ts';
import { claimPidFile } from './pid-file.ts';
import { untilSignal } from './shutdown.ts';
import { notifySystemd } from './systemd.ts';
import { build } from './version.ts';
import { wire } from './wire.ts';

/** Runs the daemon until SIGTERM or SIGINT. Resolves with the exit code. */
export async function runDaemon(settings: Settings, environment: DaemonEnvironment): Promise<number> {
  keepPassedDescriptors(environment.listenFds);
  const logger = openLog(settings);
  mkdirSync(settings['exec-root'], { recursive: true, mode: 0o711 });
  mkdirSync(settings['data-root'], { recursive: true, mode: 0o710 });
  const pidFile = claimPidFile(settings.pidfile);
  try {
    removeStaleSockets(settings.hosts);
    const daemon = await wire(settings, environment, logger);
    const server = createApiServer({
      engine: daemon.engine,
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
      accept: server.accept,
      logger,
    });
    notifySystemd(environment.notifySocket, 'READY=1', logger);
    logger.info('Daemon has completed initialization');

    const signal = await untilSignal(logger);
    logger.info(`Processing signal '${signal}'`);
    notifySystemd(environment.notifySocket, 'STOPPING=1', logger);
    listeners.close();
    await daemon.shutdown();
    logger.info('Daemon shutdown complete');
    return 0;
  } finally {
    pidFile.remove();
  }
}

function tlsFiles(settings: Settings): Parameters<typeof listen>[0]['tls'] {
  if (!settings.tls) return undefined;
  return { cert: settings.tlscert, key: settings.tlskey, ca: settings.tlscacert, verify: settings.tlsverify };
}
