import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { type CgroupLayout, readCgroupLayout, removeCgroups } from '@wharf/sys/cgroup';
import { tryLockFile } from '@wharf/sys/descriptor';
import { hasErrno } from '@wharf/sys/errno';
import { mount, unmount } from '@wharf/sys/mount';

/** Shared by all daemons of the host: held by each that may run crun, and it names what the first of them mounted. */
const registry = '/run/wharf-cgroup-fix';

/**
 * crun refuses a hybrid hierarchy whose v2 tree still has controllers. Gives each of those its v1 hierarchy, as the
 * others have, and takes it away again when the last daemon ends and nobody else uses it.
 */
export class CgroupFix {
  readonly #logger: Logger;
  #lock: number | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** True when crun can run here now. With `mounts` false it only looks. */
  apply(options: { mounts: boolean }): boolean {
    const layout = readCgroupLayout();
    if (options.mounts && layout.mode === 'hybrid') {
      this.#lock ??= openSync(registry, 'a+', 0o600);
      // A daemon that is just ending has it to itself for a moment; then there is nothing to share.
      if (tryLockFile(this.#lock, 'shared')) this.#mountAll(layout.v2Controllers);
    }
    return !hasStrayControllers(readCgroupLayout());
  }

  /** To be called when this daemon runs no container any more. */
  release(): void {
    if (this.#lock === undefined) return;
    try {
      if (tryLockFile(this.#lock)) unmountAll();
    } finally {
      closeSync(this.#lock);
      this.#lock = undefined;
    }
  }

  #mountAll(controllers: readonly string[]): void {
    for (const controller of controllers.map((name) => (name === 'io' ? 'blkio' : name))) {
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

function hasStrayControllers({ mode, v2Controllers }: CgroupLayout): boolean {
  return mode === 'hybrid' && v2Controllers.length > 0;
}

function hierarchy(controller: string): string {
  return `/sys/fs/cgroup/${controller}`;
}

function unmountAll(): void {
  const ours = new Set(
    readFileSync(registry, 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
  const kept = [...ours].filter((controller) => !unmountIdle(hierarchy(controller)));
  writeFileSync(registry, kept.map((controller) => `${controller}\n`).join(''));
}

/** False while a process is in a cgroup in it. */
function unmountIdle(target: string): boolean {
  try {
    const cgroups = readdirSync(target, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    if (removeCgroups(cgroups.map(({ name }) => `${target}/${name}`)).length > 0) return false;
    unmount(target);
    rmdirSync(target);
    return true;
  } catch (error) {
    // Somebody else has taken it away.
    return hasErrno(error, 'ENOENT') || hasErrno(error, 'EINVAL');
  }
}
