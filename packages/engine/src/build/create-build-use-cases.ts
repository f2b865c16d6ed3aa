import { join } from 'node:path';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { ContainerDeps } from '../engine-deps.ts';
import type { Builder } from './open-builder.ts';
import { removeWork } from './remove-work.ts';

/**
 * The builder, which is not loaded before somebody wants something of it: with the language of Dockerfiles and
 * BuildKit's messages it is a fifth of the daemon's code.
 */
export function createBuilds(deps: ContainerDeps, parts: ImageParts): Builder {
  // What builds were working on when the last daemon ended is nobody's.
  removeWork(join(deps.config.dataRoot, 'build', 'work'));
  let opened: Promise<Builder> | undefined;
  const builder = () => {
    opened ??= import('./open-builder.ts').then(({ openBuilder }) => openBuilder(deps, parts));
    return opened;
  };
  return {
    build: async (...all) => (await builder()).build(...all),
    // A build that was asked for before is under way by then.
    cancel: (buildId) => void opened?.then((it) => it.cancel(buildId)),
    serveApi: async (...all) => (await builder()).serveApi(...all),
    holdSession: async (...all) => (await builder()).holdSession(...all),
    cache: async () => (await builder()).cache(),
    prune: async (...all) => (await builder()).prune(...all),
    records: async (...all) => (await builder()).records(...all),
    record: async (...all) => (await builder()).record(...all),
    removeRecord: async (...all) => (await builder()).removeRecord(...all),
    pinRecord: async (...all) => (await builder()).pinRecord(...all),
    recordLog: async (...all) => (await builder()).recordLog(...all),
    explain: async (...all) => (await builder()).explain(...all),
    close: async () => (await opened)?.close(),
  };
}
