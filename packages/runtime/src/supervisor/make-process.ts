import { readFileSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';
import { signalChild } from '@wharf/sys/process';
import type { RuntimeCall } from '../oci-runtime.ts';
import { type RuntimeAction, runtimeError } from '../oci-runtime-error.ts';
import { prepareIo } from './process-io.ts';
import { takeFile } from './scratch-files.ts';
import type { Opened } from './stdio.ts';
import type { OciRuntimeCommand, ProcessIo } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

const SIGKILL = 9;

export interface MakeProcess {
  readonly action: RuntimeAction;
  readonly runtime: OciRuntimeCommand;
  readonly io: ProcessIo;
  readonly command: (call: RuntimeCall) => string[];
  /** The first word of its command line, for the message when it cannot run. */
  readonly program: () => string | undefined;
  /** The process' descriptor 3 until it executes its program: runtimes make all but stdio close-on-exec. */
  readonly kept?: number;
}

/**
 * Lets the runtime make a process on stdio of ours. When it is done the process is our child, as a subreaper's.
 * Rejects with what the runtime says; then nothing is left of it here.
 */
export async function makeProcess(
  deps: Pick<SupervisorDeps, 'children' | 'scratchFiles' | 'reactor' | 'nullDevices'>,
  { action, runtime, io, command, program, kept }: MakeProcess,
): Promise<{ pid: number; descriptors: Omit<Opened, 'io' | 'log'> }> {
  const { children, scratchFiles } = deps;
  const scratch = `${scratchFiles.directory}/${scratchFiles.next()}`;
  const prepared = prepareIo(deps, io);
  const call = { pidFile: `${scratch}.pid`, logFile: `${scratch}.log`, consoleSocket: prepared.consoleSocket };
  let code: number;
  try {
    code = await children.run(command(call), kept === undefined ? prepared.child : [...prepared.child, kept]);
  } catch (error) {
    prepared.cancel();
    throw error;
  }
  const pid = Number(takeFile(call.pidFile));
  const log = takeFile(call.logFile);
  if (code !== 0 || !(pid > 0)) {
    prepared.cancel();
    throw runtimeError({ action, runtime: runtime.name, log, program: program() });
  }
  try {
    return { pid, descriptors: prepared.finish() };
  } catch (error) {
    signalChild(pid, SIGKILL);
    throw error;
  }
}

/** The program of a bundle's config.json; only asked for when it did not run. */
export function programOfBundle(bundle: string): string | undefined {
  try {
    return programOf((JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8')) as { process?: object }).process);
  } catch {
    return undefined;
  }
}

export function programOf(process: object | undefined): string | undefined {
  const args = process !== undefined && 'args' in process ? process.args : undefined;
  return Array.isArray(args) && typeof args[0] === 'string' ? args[0] : undefined;
}

export function noSuchProcess(id: string, execId?: string): EngineError {
  const what = execId === undefined ? `container ${id}` : `exec ${execId} of container ${id}`;
  return new EngineError('not_found', `${what} is not known to the supervisor`);
}

export function notRunning(id: string): EngineError {
  return new EngineError('conflict', `container ${id} is not running`);
}
