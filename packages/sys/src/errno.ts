import { constants } from 'node:os';

/** A failed system call, with the name of the errno (`ENOENT`) in `code`, as Node's own errors have it. */
export class SystemError extends Error {
  readonly errno: number;
  readonly code: string;

  constructor(what: string, errno: number) {
    const code = errnoName(errno);
    super(`${what}: ${errnoText(code)}`);
    this.name = 'SystemError';
    this.errno = errno;
    this.code = code;
  }
}

// EWOULDBLOCK is EAGAIN's other name; code asks for the latter.
const names = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => name !== 'EWOULDBLOCK')
    .map(([name, value]) => [value, name]),
);

export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** The texts of strerror(3) that reach people. */
const texts: Record<string, string> = {
  EACCES: 'permission denied',
  EBUSY: 'device or resource busy',
  EEXIST: 'file exists',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'exec format error',
  ENOMEM: 'cannot allocate memory',
  ENOSPC: 'no space left on device',
  ENOSYS: 'function not implemented',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTSUP: 'operation not supported',
  EOPNOTSUPP: 'operation not supported',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ESRCH: 'no such process',
  EXDEV: 'invalid cross-device link',
};

export function errnoText(code: string): string {
  return texts[code] ?? code;
}

/** Turns -errno into a thrown SystemError, and passes any other result on. */
export function check(result: number, what: string): number {
  if (result < 0) throw new SystemError(what, -result);
  return result;
}

/** True for a SystemError or a Node error with this code. */
export function hasErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
