import { existsSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroups } from '@wharf/sys/cgroup';

const parent = '/sys/fs/cgroup';
// statfs(2)
const TMPFS_MAGIC = 0x01021994;

/**
 * Removes a test's cgroups from all hierarchies. Where a directory is no hierarchy, since another mount namespace has
 * its own there, crun makes plain files.
 */
export function removeTestCgroups(name: string): void {
  for (const hierarchy of ['', ...readdirSync(parent)]) {
    const directory = join(parent, hierarchy, name);
    if (!existsSync(directory)) continue;
    if (statfsSync(directory).type === TMPFS_MAGIC) rmSync(directory, { recursive: true });
    else removeCgroups([directory]);
  }
}
