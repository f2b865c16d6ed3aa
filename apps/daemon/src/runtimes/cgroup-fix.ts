import { mkdirSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { type CgroupLayout, readCgroupLayout } from '@wharf/sys/cgroup';
import { mount } from '@wharf/sys/mount';

/**
 * crun refuses a hybrid hierarchy whose v2 tree still has controllers. Gives each of those its v1 hierarchy, as the
 * others have, where nothing uses it yet. True when crun can run here now.
 */
export function prepareCgroups(options: { fix: boolean; logger: Logger }): boolean {
  const layout = readCgroupLayout();
  if (!hasStrayControllers(layout)) return true;
  if (options.fix) for (const controller of layout.v2Controllers) mountController(controller, options.logger);
  return !hasStrayControllers(readCgroupLayout());
}

function hasStrayControllers({ mode, v2Controllers }: CgroupLayout): boolean {
  return mode === 'hybrid' && v2Controllers.length > 0;
}

function mountController(controller: string, logger: Logger): void {
  const target = `/sys/fs/cgroup/${controller}`;
  try {
    mkdirSync(target, { recursive: true });
    mount({ source: 'cgroup', target, type: 'cgroup', data: controller });
    logger.info('Mounted a cgroup controller on a v1 hierarchy, since crun wants none left on v2', { controller });
  } catch (error) {
    logger.debug('Cannot mount a cgroup controller on a v1 hierarchy', {
      controller,
      error: EngineError.from(error).message,
    });
  }
}
