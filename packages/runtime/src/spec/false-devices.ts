import { posix } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { SpecMount } from './mounts.ts';

/**
 * Nothing whose links the container decides upon lies over all of /dev: an old runc binds what /dev/null leads to onto
 * the files that it is to mask. The host's own /dev is whose it should be.
 */
export function refuseFalseDevices({ type, source, destination }: SpecMount): void {
  if (posix.resolve('/', destination) !== '/dev' || type === 'tmpfs' || source === '/dev') return;
  throw invalidArgument(
    `"/dev" cannot be mounted from ${source}: this runc would mask files by its null device (CVE-2025-31133); update runc, use crun, or mount single devices`,
  );
}
