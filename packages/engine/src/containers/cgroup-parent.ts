import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroupLayout } from '@wharf/sys/cgroup';
import { hasErrno } from '@wharf/sys/errno';

/** Removes the daemon's own cgroup, where its containers' were, as soon as none is left in it. */
export function removeCgroupParent(cgroupParent: string): void {
  if (cgroupParent.replaceAll('/', '') === '') return;
  const { v1, v2 } = readCgroupLayout();
  for (const root of new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])])) {
    try {
      rmdirSync(join(root, cgroupParent));
    } catch (error) {
      if (!hasErrno(error, 'ENOENT') && !hasErrno(error, 'EBUSY') && !hasErrno(error, 'ENOTEMPTY')) throw error;
    }
  }
}
