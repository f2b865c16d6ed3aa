import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run } from './run.ts';

const script = join(import.meta.dirname, 'sandbox.sh');

/**
 * Network, mount and pid namespaces for one daemon and its containers, with a directory and a cgroup parent of
 * their own: what a test makes never reaches the host, and whatever it forgets ends with `close`.
 */
export interface Sandbox {
  readonly id: string;
  /** Pid 1 of the sandbox, as the host sees it. */
  readonly pid: number;
  /** A directory of the host's disk, removed by `close`. */
  readonly directory: string;
  readonly cgroupParent: string;
  /** The command line that runs `argv` inside. */
  enter(argv: readonly string[]): string[];
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** What exists inside now and did not when the sandbox was new, one line each. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens a sandbox; directories in `privateDirectories` are empty inside, whatever the host has there. */
export async function openSandbox(privateDirectories: readonly string[] = []): Promise<Sandbox> {
  const id = randomBytes(4).toString('hex');
  const directory = `/tmp/wharf-test-${id}`;
  const cgroupParent = `/wharf-test-${id}`;
  mkdirSync(directory, { mode: 0o711 });
  const keeper = spawn('sh', [script, directory, cgroupParent, ...privateDirectories], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = new Promise((resolve) => keeper.once('exit', resolve));
  await ready(keeper);
  const pid = onlyChild(onlyChild(keeper.pid!));
  const enter = (argv: readonly string[]) => ['nsenter', '-t', String(pid), '-n', '-m', '-p', '--', ...argv];
  const baseline = new Set(await inventory(pid, cgroupParent, enter));
  return {
    id,
    pid,
    directory,
    cgroupParent,
    enter,
    run: (argv, options) => run(enter(argv), options),
    leftovers: async () => (await inventory(pid, cgroupParent, enter)).filter((line) => !baseline.has(line)),
    async close() {
      keeper.stdin.end();
      await ended;
    },
  };
}

function ready(keeper: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    keeper.stdout!.once('data', () => resolve());
    keeper.once('error', reject);
    keeper.once('exit', (code) => reject(new Error(`the sandbox ended at once with code ${code}`)));
  });
}

function onlyChild(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** Every kernel object that a daemon could leave behind, in words that stay equal while the object exists. */
async function inventory(pid: number, cgroupParent: string, enter: (argv: string[]) => string[]): Promise<string[]> {
  const [links, rules] = await Promise.all([run(enter(['ip', '-o', 'link'])), run(enter(['nft', 'list', 'tables']))]);
  return [
    ...lines(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).map((line) => `mount ${line.split(' ')[4]}`),
    ...lines(links.stdout).map((line) => `link ${line.split(':')[1]!.trim()}`),
    ...lines(rules.stdout).map((line) => `nft ${line}`),
    // The parent was named by us; what is below it is the daemon's.
    ...cgroupsBelow(cgroupParent)
      .filter((path) => !path.endsWith(cgroupParent))
      .map((path) => `cgroup ${path}`),
    ...processesOf(pid),
  ];
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Processes in the sandbox's pid namespace or below it, but for pid 1, what it started, and what it is about to reap. */
function processesOf(init: number): string[] {
  const found: string[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const process = readProcess(entry);
    if (!process || process.parent === 0 || process.state === 'Z') continue;
    if (Number(entry) !== init && isBelow(Number(entry), init) && process.name !== 'cat') {
      found.push(`process ${process.name}`);
    }
  }
  return found;
}

function isBelow(pid: number, ancestor: number): boolean {
  for (let current = pid; current > 1; ) {
    if (current === ancestor) return true;
    const process = readProcess(String(current));
    if (!process) return false;
    current = process.parent;
  }
  return false;
}

function readProcess(pid: string): { name: string; state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const [state = '', parent] = stat.slice(end + 2).split(' ');
    return { name: stat.slice(stat.indexOf('(') + 1, end), state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

const cgroupRoot = '/sys/fs/cgroup';

function hierarchies(): string[] {
  if (existsSync(join(cgroupRoot, 'cgroup.controllers'))) return [cgroupRoot];
  return readdirSync(cgroupRoot).map((name) => join(cgroupRoot, name));
}

/** Deepest first, so that they can be removed in this order. */
export function cgroupsBelow(parent: string): string[] {
  return hierarchies().flatMap((hierarchy) => {
    const top = join(hierarchy, parent);
    return existsSync(top) ? descend(top) : [];
  });
}

function descend(path: string): string[] {
  try {
    const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...children.flatMap((child) => descend(join(path, child.name))), path];
  } catch (error) {
    // It went while we looked.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
