import { readFileSync } from 'node:fs';

/** False once the process has ended, also while nobody has waited for it yet. proc_pid_stat(5) */
export function isAlive(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return false;
  }
  // The name in parentheses may hold anything, so the state is looked for behind the last one.
  const state = stat.charAt(stat.lastIndexOf(')') + 2);
  return state !== 'Z' && state !== 'X';
}
