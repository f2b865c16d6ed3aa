import { existsSync } from 'node:fs';

/** True on a host whose only cgroup hierarchy is v2. */
export function hasUnifiedCgroups(): boolean {
  return existsSync('/sys/fs/cgroup/cgroup.controllers');
}
