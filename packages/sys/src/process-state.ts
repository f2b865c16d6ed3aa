import { readFileSync } from 'node:fs';

const PF_EXITING = 4;

/**
 * False once the process is ending, also while nobody has waited for it yet: an init kills all in its namespace
 * before it is gone itself. proc_pid_stat(5)
 */
export function isAlive(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return false;
  }
  // The name in parentheses may hold anything, so the state is looked for behind the last one.
  const [state, , , , , , flags] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state !== 'Z' && state !== 'X' && (Number(flags) & PF_EXITING) === 0;
}
