import { closeSync, constants, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import {
  type CgroupLayout,
  childCgroups,
  processesIn,
  readCgroupLayout,
  readV1Controllers,
  removeCgroups,
} from '@wharf/sys/cgroup';
import { tryLockFile, waitLockFile } from '@wharf/sys/descriptor';
import { hasErrno } from '@wharf/sys/errno';
import { mount, unmount } from '@wharf/sys/mount';

/** Held by each daemon of this mount namespace that may run crun; it names what the first of them mounted. */
const registry = '/run/wharf-cgroup-fix';

/**
 * Held by each such daemon of the host: one directory in all mount namespaces. A mount point may be removed only by
 * the last of them, since the kernel then takes the mounts on it away in every namespace.
 */
const hostDirectory = '/sys/fs/cgroup';

interface Locks {
  readonly namespace: number;
  readonly host: number;
}

/**
 * crun refuses a hybrid hierarchy whose v2 tree still has controllers. Gives each of those its v1 hierarchy, as the
 * others have, and takes it away again when the last daemon ends and nobody else uses it.
 */
export class CgroupFix {
  readonly #logger: Logger;
  #locks: Locks | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** True when crun can run here now. With `mounts` false it only looks. */
  apply(options: { mounts: boolean }): boolean {
    if (options.mounts && readCgroupLayout().mode === 'hybrid') {
      this.#locks ??= takeLocks();
      const { v1, v2Controllers } = readCgroupLayout();
      // What another namespace's daemon moved to v1 is not mounted here: crun would make directories in its place.
      this.#mountAll([...v2Controllers.map(nameOnV1), ...readV1Controllers().filter((name) => !v1.has(name))]);
    }
    return !hasStrayControllers(readCgroupLayout());
  }

  /** To be called when this daemon runs no container any more. */
  release(): void {
    if (this.#locks === undefined) return;
    const { namespace, host } = this.#locks;
    try {
      if (tryLockFile(namespace)) unmountAll({ lastOfHost: tryLockFile(host) });
    } finally {
      closeSync(host);
      closeSync(namespace);
      this.#locks = undefined;
    }
  }

  #mountAll(controllers: readonly string[]): void {
    for (const controller of controllers) {
      const target = hierarchy(controller);
      try {
        mkdirSync(target, { recursive: true });
        mount({ source: 'cgroup', target, type: 'cgroup', data: controller });
        writeFileSync(registry, `${controller}\n`, { flag: 'a' });
        this.#logger.info('Mounted a cgroup controller on a v1 hierarchy, since crun wants none left on v2', {
          controller,
        });
      } catch (error) {
        const { message } = EngineError.from(error);
        this.#logger.debug('Cannot mount a cgroup controller on a v1 hierarchy', { controller, error: message });
      }
    }
  }
}

function takeLocks(): Locks {
  const namespace = openSync(registry, 'a+', 0o600);
  const host = openSync(hostDirectory, constants.O_RDONLY | constants.O_DIRECTORY);
  // A daemon that is just ending has them to itself for a moment.
  waitLockFile(namespace, 'shared');
  waitLockFile(host, 'shared');
  return { namespace, host };
}

/** What the v2 tree calls io is blkio on v1. */
function nameOnV1(controller: string): string {
  return controller === 'io' ? 'blkio' : controller;
}

function hasStrayControllers({ mode, v2Controllers }: CgroupLayout): boolean {
  return mode === 'hybrid' && v2Controllers.length > 0;
}

function hierarchy(controller: string): string {
  return `/sys/fs/cgroup/${controller}`;
}

function unmountAll(scope: { lastOfHost: boolean }): void {
  const lines = readFileSync(registry, 'utf8').split('\n');
  const ours = new Set(lines.filter((line) => line !== ''));
  const kept = [...ours].filter((controller) => !unmountIdle(hierarchy(controller), scope));
  writeFileSync(registry, kept.map((controller) => `${controller}\n`).join(''));
}

/** False while a process that is seen here is in a cgroup in it. */
function unmountIdle(target: string, { lastOfHost }: { lastOfHost: boolean }): boolean {
  try {
    // The cgroups in it are shared with all namespaces: while others run, they may be theirs.
    const busy = lastOfHost ? removeCgroups(childCgroups(target)) : [];
    // A daemon that was killed holds no lock, but its containers go on; in another namespace they need no mount here.
    if (busy.some((cgroup) => processesIn(cgroup).some((pid) => pid > 0))) return false;
    unmount(target);
    if (lastOfHost && busy.length === 0) rmdirSync(target);
    return true;
  } catch (error) {
    // Somebody else has taken it away.
    return hasErrno(error, 'ENOENT') || hasErrno(error, 'EINVAL');
  }
}
