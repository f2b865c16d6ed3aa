import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ContainerTop } from '@wharf/api/container';
import { conflict, EngineError, invalidArgument } from '@wharf/base/error';
import { cgroupDirectories, cgroupsOf, processesIn, readCgroupLayout } from '@wharf/sys/cgroup';
import { isAlive } from '@wharf/sys/process-state';
import type { ContainerDeps } from '../engine-deps.ts';
import { notRunning } from './container-errors.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { publishContainer } from './publish.ts';

const run = promisify(execFile);

/** `docker top`: the host's ps, and of its lines those of the container's processes. */
export async function topContainer(
  { containers, events }: Pick<ContainerDeps, 'containers' | 'events'>,
  idOrName: string,
  psArgs: string,
): Promise<ContainerTop> {
  const args = parsePsArguments(psArgs);
  const record = containers.find(idOrName);
  const { id, state } = record;
  if (state.status === 'restarting') {
    throw conflict(`container ${id} is restarting, wait until the container is running`);
  }
  if (!isUp(state.status)) throw notRunning(id);
  const pids = containerProcesses(record);
  const table = parsePsOutput(await ps([...args, '-q', [...pids].join(',')], args), pids);
  publishContainer(events, record, 'top');
  return table;
}

function containerProcesses({ id, state }: ContainerRecord): ReadonlySet<number> {
  try {
    const layout = readCgroupLayout();
    const [directory] = cgroupDirectories(cgroupsOf(state.pid, layout), layout);
    return new Set(directory === undefined ? [state.pid] : processesIn(directory));
  } catch (error) {
    if (!isAlive(state.pid)) throw notRunning(id);
    throw error;
  }
}

/** Docker's default is -ef; a column whose title hides the pid is refused. */
function parsePsArguments(text: string): string[] {
  const args = text.trim() === '' ? ['-ef'] : text.trim().split(/\s+/);
  for (const arg of args) {
    if (/\bpid=/i.test(arg)) throw invalidArgument('specifying "PID" with a title of its own is not allowed: pid=');
  }
  return args;
}

/** Where ps does not take a list of pids beside its other arguments, all processes are asked for. */
async function ps(withPids: readonly string[], args: readonly string[]): Promise<string> {
  try {
    return (await run('ps', [...withPids])).stdout;
  } catch {
    return runPs(args);
  }
}

async function runPs(args: readonly string[]): Promise<string> {
  try {
    return (await run('ps', [...args], { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    const exit = cause instanceof Error && 'code' in cause ? `exit status ${cause.code}` : 'failed';
    throw new EngineError('internal', `ps: ${exit}: ${text}`, { cause });
  }
}

/** Columns are split by blanks; the last one, the command, keeps its own. */
export function parsePsOutput(output: string, pids: ReadonlySet<number>): ContainerTop {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const titles = (lines[0] ?? '').trim().split(/\s+/);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) throw new EngineError('internal', "Couldn't find PID field in ps output");
  const processes: string[][] = [];
  for (const line of lines.slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (!pids.has(Number(fields[pidColumn]))) continue;
    processes.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]);
  }
  return { Titles: titles, Processes: processes };
}
