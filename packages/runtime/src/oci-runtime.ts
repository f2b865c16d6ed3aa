import type { OciRuntimeCommand } from './supervisor/supervisor.ts';

export interface RuntimeCall {
  readonly pidFile: string;
  /** Where the runtime writes why it failed. */
  readonly logFile: string;
  readonly consoleSocket: string | undefined;
}

/** Makes a container's init, which waits at exec.fifo for its start. */
export function createCommand(runtime: OciRuntimeCommand, call: RuntimeCall, bundle: string, id: string): string[] {
  // A keyring of its own for each container soon meets the user's quota.
  return [...prefix(runtime, call.logFile), 'create', '--no-new-keyring', ...common(call), '--bundle', bundle, id];
}

export function execCommand(runtime: OciRuntimeCommand, call: RuntimeCall, processFile: string, id: string): string[] {
  return [...prefix(runtime, call.logFile), 'exec', '--detach', ...common(call), '--process', processFile, id];
}

export function startCommand(runtime: OciRuntimeCommand, logFile: string, id: string): string[] {
  return [...prefix(runtime, logFile), 'start', id];
}

export function deleteCommand(runtime: OciRuntimeCommand, logFile: string, id: string): string[] {
  return [...prefix(runtime, logFile), 'delete', '--force', id];
}

/** The runtime's own state of a container; the same place in crun and runc. */
export function stateDirectory({ root }: OciRuntimeCommand, id: string): string {
  return `${root}/${id}`;
}

function prefix({ path, root, args = [] }: OciRuntimeCommand, logFile: string): string[] {
  return [path, ...args, '--root', root, '--log', logFile];
}

function common({ pidFile, consoleSocket }: RuntimeCall): string[] {
  return ['--pid-file', pidFile, ...(consoleSocket === undefined ? [] : ['--console-socket', consoleSocket])];
}
