import type { Socket } from 'node:net';
import type { Logger } from '@wharf/base/logger';
import type { Engine } from '@wharf/engine/engine';
import type { Authorizer } from './authorization/authorizer.ts';
import { Dispatcher } from './dispatcher.ts';
import { Connection } from './http/connection.ts';
import { Router } from './router.ts';
import { buildRoutes } from './routes/build.ts';
import { checkpointRoutes } from './routes/checkpoints.ts';
import { commitRoutes } from './routes/commit.ts';
import { containerFileRoutes } from './routes/container-files.ts';
import { containerStatsRoutes } from './routes/container-stats.ts';
import { containerStreamRoutes } from './routes/container-streams.ts';
import { containerUpdateRoutes } from './routes/container-update.ts';
import { containerRoutes } from './routes/containers.ts';
import { execRoutes } from './routes/exec.ts';
import { imageRoutes } from './routes/images.ts';
import { networkRoutes } from './routes/networks.ts';
import { notImplementedRoutes } from './routes/not-implemented.ts';
import { pluginRoutes } from './routes/plugins.ts';
import { registryRoutes } from './routes/registry.ts';
import { swarmRoutes } from './routes/swarm.ts';
import { systemRoutes } from './routes/system.ts';
import { volumeRoutes } from './routes/volumes.ts';

export interface ApiServerOptions {
  readonly engine: Engine;
  readonly logger: Logger;
  /** Of the product, for the `Server` header. */
  readonly serverVersion: string;
  readonly experimental?: boolean;
  /** The oldest API version served; 1.24 if left out. */
  readonly minimumVersion?: string;
  /** Asked about every request and every whole answer. */
  readonly authorizer?: Authorizer;
}

/** Serves the Engine API on any connected stream socket: unix, TCP or TLS. The socket must allow half-open. */
export interface ApiServer {
  accept(socket: Socket): void;
}

export function createApiServer({ engine, logger, serverVersion, ...options }: ApiServerOptions): ApiServer {
  const { experimental = false } = options;
  const router = new Router([
    ...systemRoutes(engine),
    // Before the removal of a container, whose name may hold slashes.
    ...checkpointRoutes(engine, experimental),
    ...containerRoutes(engine, experimental),
    ...containerStreamRoutes(engine),
    ...containerFileRoutes(engine),
    ...containerStatsRoutes(engine),
    ...commitRoutes(engine),
    ...containerUpdateRoutes(engine),
    ...execRoutes(engine),
    ...imageRoutes(engine),
    ...buildRoutes(engine),
    ...registryRoutes(engine),
    ...networkRoutes(engine),
    ...volumeRoutes(engine),
    ...swarmRoutes(),
    ...pluginRoutes(),
    ...notImplementedRoutes(),
  ]);
  const dispatcher = new Dispatcher({
    router,
    logger,
    serverVersion,
    experimental,
    ...(options.authorizer && { authorizer: options.authorizer }),
    ...(options.minimumVersion !== undefined && { minimumVersion: options.minimumVersion }),
  });
  return { accept: (socket) => void new Connection(socket, dispatcher.handle) };
}
