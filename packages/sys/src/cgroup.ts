import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrno } from './errno.ts';
import { syscall } from './syscall.ts';

/** v1: one hierarchy a controller. hybrid: those, and a v2 tree beside them. v2: one tree for all. */
export type CgroupMode = 'v1' | 'hybrid' | 'v2';

export interface CgroupLayout {
  readonly mode: CgroupMode;
  /** Mount point of each v1 hierarchy, by controller (`memory`, `cpu`; named ones as `name=systemd`). */
  readonly v1: ReadonlyMap<string, string>;
  /** Mount point of the v2 tree. */
  readonly v2: string | undefined;
  /** Controllers that are enabled on the v2 tree: on a hybrid host those that no v1 hierarchy took. */
  readonly v2Controllers: readonly string[];
}

/** Where one process is: absolute directories. */
export interface CgroupPaths {
  readonly v1: ReadonlyMap<string, string>;
  readonly v2: string | undefined;
}

const root = '/sys/fs/cgroup';

export function readCgroupLayout(): CgroupLayout {
  const mounts = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const v2Controllers = mounts.v2 === undefined ? [] : words(readText(`${mounts.v2}/cgroup.controllers`));
  const mode = mounts.v1.size === 0 ? 'v2' : mounts.v2 === undefined ? 'v1' : 'hybrid';
  return { ...mounts, mode, v2Controllers };
}

/** The cgroup mounts of /proc/self/mountinfo (proc_pid_mountinfo(5)) below /sys/fs/cgroup. */
export function parseCgroupMounts(mountinfo: string): { v1: Map<string, string>; v2: string | undefined } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4];
    const [type, , options = ''] = after.split(' ');
    if (mountPoint === undefined || !`${mountPoint}/`.startsWith(`${root}/`)) continue;
    if (type === 'cgroup2') v2 = mountPoint;
    if (type !== 'cgroup') continue;
    for (const option of options.split(',')) if (!mountWords.has(option)) v1.set(option, mountPoint);
  }
  return { v1, v2 };
}

/** Super block options that are no controllers. */
const mountWords = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'cpuset_v2_mode', 'none']);

/** Controllers that some v1 hierarchy has taken: it need not be mounted where this process looks. cgroups(7) */
export function readV1Controllers(): string[] {
  const hierarchies = readFileSync('/proc/self/cgroup', 'utf8').matchAll(/^[1-9]\d*:([^:=]+):/gm);
  return [...hierarchies].flatMap(([, controllers = '']) => controllers.split(','));
}

/** The cgroups of a process. Throws ENOENT or ESRCH if there is no such process. */
export function cgroupsOf(pid: number, layout: CgroupLayout = readCgroupLayout()): CgroupPaths {
  return parseProcessCgroups(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), layout);
}

/** /proc/<pid>/cgroup: `hierarchy:controllers:path`, cgroups(7). */
export function parseProcessCgroups(text: string, layout: CgroupLayout): CgroupPaths {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (!match) continue;
    const [, controllers = '', path = ''] = match;
    const below = path === '/' ? '' : path;
    if (controllers === '') {
      if (layout.v2 !== undefined) v2 = layout.v2 + below;
      continue;
    }
    for (const controller of controllers.split(',')) {
      const mountPoint = layout.v1.get(controller);
      if (mountPoint !== undefined) v1.set(controller, mountPoint + below);
    }
  }
  return { v1, v2 };
}

/** Each directory once: co-mounted controllers share one. Never the root of a hierarchy. */
export function cgroupDirectories({ v1, v2 }: CgroupPaths, layout: CgroupLayout): string[] {
  const roots = new Set([...layout.v1.values(), layout.v2]);
  const all = new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])]);
  return [...all].filter((directory) => !roots.has(directory));
}

/** Every process in a cgroup and below it; an absent one has none. */
export function processesIn(directory: string): number[] {
  const found = words(readText(`${directory}/cgroup.procs`)).map(Number);
  for (const child of childCgroups(directory)) found.push(...processesIn(child));
  return found;
}

/**
 * Freezes or thaws every process in the cgroup of `pid` (not those in cgroups it made below, on v1 those too),
 * and resolves when they all stand still. Throws SystemError or Node's error.
 */
export async function freezeCgroup(pid: number, frozen: boolean): Promise<void> {
  const layout = readCgroupLayout();
  const paths = cgroupsOf(pid, layout);
  const freezer = paths.v1.get('freezer');
  const directory = freezer ?? paths.v2;
  if (directory === undefined || !cgroupDirectories(paths, layout).includes(directory)) {
    throw new Error('the container has no freezer cgroup of its own');
  }
  const [file, value] = freezer
    ? ['freezer.state', frozen ? 'FROZEN' : 'THAWED']
    : ['cgroup.freeze', frozen ? '1' : '0'];
  const settled = () => (freezer ? isStateV1(directory, value) : isFrozenV2(directory, frozen));
  // The kernel reports no event on v1, and a v1 freeze that met a forking process has to be written again.
  for (let attempt = 1; attempt < 1000; attempt++) {
    await writeFile(`${directory}/${file}`, value);
    if (await settled()) return;
    // A program that replaces itself waits for its other threads, which on v1 stand still already: let them end.
    if (freezer && frozen && attempt % 20 === 0) await writeFile(`${directory}/${file}`, 'THAWED');
    await delay(attempt % 20 < 10 ? 0 : 5);
  }
  await writeFile(`${directory}/${file}`, freezer ? 'THAWED' : '0');
  throw new Error(`the processes in ${directory} do not stop`);
}

/** Whether the cgroup of `pid` is frozen, or about to be; false where it has none of its own. */
export function isFrozen(pid: number, layout: CgroupLayout): boolean {
  const paths = cgroupsOf(pid, layout);
  const freezer = paths.v1.get('freezer');
  const directory = freezer ?? paths.v2;
  if (directory === undefined || !cgroupDirectories(paths, layout).includes(directory)) return false;
  if (freezer) return readFileSync(`${directory}/freezer.state`, 'utf8').trim() !== 'THAWED';
  return readFileSync(`${directory}/cgroup.freeze`, 'utf8').trim() === '1';
}

async function isStateV1(directory: string, value: string): Promise<boolean> {
  return (await readFile(`${directory}/freezer.state`, 'utf8')).trim() === value;
}

async function isFrozenV2(directory: string, frozen: boolean): Promise<boolean> {
  return new RegExp(`^frozen ${frozen ? 1 : 0}$`, 'm').test(await readFile(`${directory}/cgroup.events`, 'utf8'));
}

/** Thaws without waiting: for processes that are about to be killed. */
export function thawCgroup({ v1, v2 }: CgroupPaths): void {
  const freezer = v1.get('freezer');
  if (freezer !== undefined) tryWrite(`${freezer}/freezer.state`, 'THAWED');
  else if (v2 !== undefined) tryWrite(`${v2}/cgroup.freeze`, '0');
}

/** Signals every process in the directories. `cgroup.kill` where the kernel has it: no process can fork away from it. */
export function signalCgroups(directories: readonly string[], signal: number): void {
  const SIGKILL = 9;
  const signalled = new Set<number>();
  for (const directory of directories) {
    if (signal === SIGKILL) tryWrite(`${directory}/cgroup.kill`, '1');
    for (const pid of processesIn(directory)) {
      if (!signalled.has(pid)) syscall('kill', pid, signal);
      signalled.add(pid);
    }
  }
}

/**
 * Removes cgroups with all below them. Returns those that are still busy: their processes have to end first,
 * which the kernel tells a moment after the wait for them.
 */
export function removeCgroups(directories: readonly string[]): string[] {
  return directories.filter((directory) => !removeTree(directory));
}

function removeTree(directory: string): boolean {
  if (tryRemove(directory)) return true;
  for (const child of childCgroups(directory)) removeTree(child);
  return tryRemove(directory);
}

function tryRemove(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return hasErrno(error, 'ENOENT');
  }
}

/** How many processes the out-of-memory killer has killed in a container's memory cgroup; 0 where it cannot be told. */
export function oomKills({ v1, v2 }: CgroupPaths): number {
  const memory = v1.get('memory');
  const text = memory === undefined ? readText(`${v2}/memory.events`) : readText(`${memory}/memory.oom_control`);
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** The cgroups right below one; an absent one has none. */
export function childCgroups(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'r+' });
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENODEV')) return '';
    throw error;
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
