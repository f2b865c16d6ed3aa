import { readFileSync } from 'node:fs';
import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const ESRCH = 3;

/** A descriptor of a process, close-on-exec; it becomes readable when the process exits. Throws ESRCH. */
export function openPidfd(pid: number): number {
  return check(syscall('pidfd_open', pid), `open process ${pid}`);
}

/** False if the process is gone. Unlike kill(2) it never reaches a stranger with a reused pid. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const result = syscall('pidfd_send_signal', pidfd, signal);
  if (result === -ESRCH) return false;
  check(result, `send signal ${signal}`);
  return true;
}

/** Clock ticks since boot at which a process began: with the pid, its identity. Undefined if there is none. */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; starttime is field 22. proc_pid_stat(5)
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
