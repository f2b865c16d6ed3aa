import { closeSync } from 'node:fs';
import { check } from './errno.ts';
import { openDirectory } from './file.ts';
import { cString, syscall } from './syscall.ts';

/** Limits of what a directory may hold: project quotas of ext4 and XFS, by the commands that both have. quotactl(2) */

const PRJQUOTA = 2;
const Q_XGETQUOTA = 0x5803;
const Q_XSETQLIM = 0x5804;
const Q_XGETQSTAT = 0x5805;
const FS_QUOTA_PDQ_ENFD = 1 << 5;
const FS_PROJ_QUOTA = 2;
const FS_DQ_BSOFT = 1 << 2;
const FS_DQ_BHARD = 1 << 3;
/** What `struct fs_disk_quota` counts in. */
const basicBlock = 512;

const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
const FS_XFLAG_PROJINHERIT = 0x200;

/**
 * Lets `path` and all that will be made in it hold `bytes` together. False where the file system keeps no project
 * quotas, or was mounted without their limits (`prjquota`), or the kernel is older than 5.14.
 */
export function limitDirectory(path: string, bytes: number): boolean {
  const fd = openDirectory(cString(path));
  try {
    if (!hasLimits(fd)) return false;
    const project = freeProject(fd);
    setLimit(fd, project, Math.ceil(bytes / basicBlock));
    const attributes = readAttributes(fd);
    attributes[0] = attributes[0]! | FS_XFLAG_PROJINHERIT;
    attributes[3] = project;
    check(syscall('ioctl', fd, FS_IOC_FSSETXATTR, bytesOf(attributes)), 'set the project of a directory');
    return true;
  } finally {
    closeSync(fd);
  }
}

/** Whether directories below `path` can be limited. */
export function canLimitDirectories(path: string): boolean {
  const fd = openDirectory(cString(path));
  try {
    return hasLimits(fd);
  } finally {
    closeSync(fd);
  }
}

/** Forgets the limit of a directory that is about to go. */
export function unlimitDirectory(path: string): void {
  const fd = openDirectory(cString(path));
  try {
    const project = readAttributes(fd)[3]!;
    if (project !== 0 && hasLimits(fd)) setLimit(fd, project, 0);
  } finally {
    closeSync(fd);
  }
}

function hasLimits(fd: number): boolean {
  const status = new Uint8Array(128);
  if (quotactl(fd, Q_XGETQSTAT, 0, status) < 0) return false;
  return (new DataView(status.buffer).getUint16(2, true) & FS_QUOTA_PDQ_ENFD) !== 0;
}

/** One that nobody has: other programs give projects too, so the kernel is asked. */
function freeProject(fd: number): number {
  for (;;) {
    const project = 2 ** 24 + Math.floor(Math.random() * 2 ** 30);
    const quota = new Uint8Array(112);
    if (quotactl(fd, Q_XGETQUOTA, project, quota) < 0) return project;
    const [blockLimit, inodes] = [8, 48].map((at) => new DataView(quota.buffer).getBigUint64(at, true));
    if (blockLimit === 0n && inodes === 0n) return project;
  }
}

function setLimit(fd: number, project: number, blocks: number): void {
  const quota = new Uint8Array(112);
  const view = new DataView(quota.buffer);
  view.setInt8(0, 1);
  view.setInt8(1, FS_PROJ_QUOTA);
  view.setUint16(2, FS_DQ_BSOFT | FS_DQ_BHARD, true);
  view.setUint32(4, project, true);
  view.setBigUint64(8, BigInt(blocks), true);
  view.setBigUint64(16, BigInt(blocks), true);
  check(quotactl(fd, Q_XSETQLIM, project, quota), 'set a project quota');
}

function quotactl(fd: number, command: number, project: number, data: Uint8Array): number {
  return syscall('quotactl_fd', fd, (command << 8) | PRJQUOTA, project, data);
}

/** `struct fsxattr`: flags first, the project fourth. */
function readAttributes(fd: number): Uint32Array {
  const attributes = new Uint32Array(7);
  check(syscall('ioctl', fd, FS_IOC_FSGETXATTR, bytesOf(attributes)), 'read the project of a directory');
  return attributes;
}

function bytesOf({ buffer }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer);
}
