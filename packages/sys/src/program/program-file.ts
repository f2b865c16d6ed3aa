import { writeSync } from 'node:fs';
import { check } from '../errno.ts';
import { cString, syscall } from '../syscall.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;
const EINVAL = 22;
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;

/** Of this process or of a child that has just been made: what posix_spawn(3) executes. */
export interface ProgramFile extends Disposable {
  readonly path: string;
}

/**
 * A program in memory that nobody can change: whoever gets hold of it by /proc/<pid>/exe holds a sealed file that is
 * no file of the host. CVE-2019-5736. Throws SystemError, EACCES where the host lets nobody execute such a file
 * (vm.memfd_noexec).
 */
export function openProgramFile(program: Uint8Array): ProgramFile {
  const name = cString('wharf-exec');
  let fd = syscall('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  // Kernels before 6.3 do not know the flag, and let all be executed.
  if (fd === -EINVAL) fd = syscall('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  check(fd, 'make a file in memory');
  const close = () => syscall('close', fd);
  try {
    for (let at = 0; at < program.length; ) at += writeSync(fd, program, at);
    check(
      syscall('fcntl', fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
      'seal a file in memory',
    );
  } catch (error) {
    close();
    throw error;
  }
  return { path: `/proc/self/fd/${fd}`, [Symbol.dispose]: close };
}
