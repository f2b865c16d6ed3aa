import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of 64 MiB with project quotas, for tests. */
export interface TestDisk extends Disposable {
  /** Beside the disk, for what is no part of the test. */
  readonly directory: string;
  readonly path: string;
  /** Why tests of quotas cannot run; the tests of cgroup v2 boot a kernel where they can. */
  readonly skip: string | false;
}

export function openTestDisk(): TestDisk {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-disk-'));
  const image = join(directory, 'image');
  const path = join(directory, 'disk');
  execFileSync('truncate', ['-s', '64M', image]);
  execFileSync('mkfs.ext4', ['-q', '-O', 'quota,project', '-E', 'quotatype=prjquota', image]);
  mkdirSync(path);
  const isMounted = spawnSync('mount', ['-o', 'loop,prjquota', image, path]).status === 0;
  return {
    directory,
    path,
    skip: isMounted ? false : 'this kernel has no project quotas',
    [Symbol.dispose]() {
      if (isMounted) execFileSync('umount', [path]);
      rmSync(directory, { recursive: true });
    },
  };
}

/** Writes as containers do: without CAP_SYS_RESOURCE, which no quota binds. How much got there, in KiB. */
export function fill(path: string, kibibytes: number): number {
  const writing = ['dd', 'if=/dev/zero', `of=${path}`, 'bs=1k', `count=${kibibytes}`, 'status=none'];
  spawnSync('setpriv', ['--bounding-set', '-sys_resource', ...writing]);
  return statSync(path).size >> 10;
}
