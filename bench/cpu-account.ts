import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** A cgroup whose processors' time is read: of an engine with all its helpers, its containers being elsewhere. */
export interface CpuAccount {
  /** For a shell to move itself into, before it becomes the engine. */
  readonly procs: string;
  /** Milliseconds since the cgroup was made. */
  milliseconds(): number;
  close(): void;
}

const v1 = '/sys/fs/cgroup/cpuacct';
const v2 = '/sys/fs/cgroup';

/** `path` has a leading slash. */
export function openCpuAccount(path: string): CpuAccount {
  const directory = join(existsSync(v1) ? v1 : v2, path);
  mkdirSync(directory, { recursive: true });
  return {
    procs: join(directory, 'cgroup.procs'),
    milliseconds: () => readMilliseconds(directory),
    close: () => removeTree(directory),
  };
}

/** 0 for a cgroup that is not there. */
export function readMilliseconds(directory: string): number {
  try {
    if (directory.startsWith(v1)) return Number(readFileSync(join(directory, 'cpuacct.usage'), 'utf8')) / 1e6;
    return Number(/usage_usec (\d+)/.exec(readFileSync(join(directory, 'cpu.stat'), 'utf8'))?.[1] ?? 0) / 1e3;
  } catch {
    return 0;
  }
}

/** Where cgroups named by an absolute path are counted. */
export function accountDirectory(path: string): string {
  return join(existsSync(v1) ? v1 : v2, path);
}

export function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  try {
    rmdirSync(directory);
  } catch {
    // A process that is still ending keeps its cgroup for a moment; the sandbox's end takes it along.
  }
}
