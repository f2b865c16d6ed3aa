import { readSync, writeFileSync } from 'node:fs';
import { formatIdRanges, type IdMapping } from '@wharf/base/id-mapping';
import { closeDescriptor, createPipe } from './descriptor.ts';
import { SystemError } from './errno.ts';
import { closeNamespace, openNamespace } from './namespaces.ts';
import { spawnProcess } from './process.ts';
import { openProgramFile } from './program/program-file.ts';
import { SyscallProgram } from './program/syscall-program.ts';
import { syscall } from './syscall.ts';

const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;

export interface UserNamespace {
  /** The caller's. */
  readonly fd: number;
  /** A network namespace that belongs to it, where one was asked for; the caller's too. */
  readonly network: number | undefined;
}

/**
 * Makes a user namespace in which these ids are. It lives as long as a descriptor, a process or an idmapped mount
 * holds it. A network namespace that a container is to rule, by CAP_NET_ADMIN or a sysfs of its own, has to be made
 * inside.
 */
export function createUserNamespace(mapping: IdMapping, options: { network: boolean }): UserNamespace {
  // A process of several threads, as this one, can neither make nor enter one: unshare(2).
  const holder = spawnHolder(CLONE_NEWUSER | (options.network ? CLONE_NEWNET : 0));
  try {
    writeFileSync(`/proc/${holder.pid}/uid_map`, formatIdRanges(mapping.uids));
    writeFileSync(`/proc/${holder.pid}/gid_map`, formatIdRanges(mapping.gids));
    const fd = openNamespace(`/proc/${holder.pid}/ns/user`);
    try {
      return { fd, network: options.network ? openNamespace(`/proc/${holder.pid}/ns/net`) : undefined };
    } catch (error) {
      closeNamespace(fd);
      throw error;
    }
  } finally {
    holder.end();
  }
}

interface Holder {
  readonly pid: number;
  end(): void;
}

/** A process that is in new namespaces, and waits there until it is ended or this process is no more. */
function spawnHolder(flags: number): Holder {
  using file = openProgramFile(holderProgram(flags));
  const life = createPipe();
  const report = createPipe();
  let pid: number;
  try {
    pid = spawnProcess({ command: [file.path], name: 'wharf-userns', stdio: [life.read, report.write] });
  } catch (error) {
    for (const fd of [life.read, life.write, report.read, report.write]) closeDescriptor(fd);
    throw error;
  }
  closeDescriptor(life.read);
  closeDescriptor(report.write);
  const end = () => {
    closeDescriptor(life.write);
    syscall('wait4', pid, new Int32Array(1), 0);
  };
  try {
    const result = Buffer.alloc(8);
    const length = readSync(report.read, result);
    const errno = length === result.length ? -result.readInt32LE(0) : ENODATA;
    if (errno !== 0) throw new SystemError('make a user namespace', errno);
    return { pid, end };
  } catch (error) {
    end();
    throw error;
  } finally {
    closeDescriptor(report.read);
  }
}

const ENODATA = 61;

/** Tells by descriptor 1 what became of it, and ends when descriptor 0 does. */
function holderProgram(flags: number): Buffer {
  const program = new SyscallProgram();
  const result = program.space(8);
  program.call('unshare', [flags], {}, result);
  program.call('write', [1, result, 8]);
  program.call('read', [0, result, 8]);
  program.call('exit_group', [0]);
  return program.toElf();
}
