import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { conflict } from '@wharf/base/error';
import { hasErrno } from '@wharf/sys/errno';
import { readable } from '@wharf/sys/reactor';
import { startCommand, stateDirectory } from '../oci-runtime.ts';
import { runtimeError } from '../oci-runtime-error.ts';
import { noSuchProcess } from './make-process.ts';
import { type ManagedProcess, whenExited } from './managed-process.ts';
import { takeFile } from './scratch-files.ts';
import type { OciRuntimeCommand } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

const { O_WRONLY, O_RDONLY, O_NONBLOCK } = constants;

/**
 * Lets a created container's program run. Its init waits at a FIFO, which we serve ourselves: that is all that
 * the runtime's `start` does for a bundle without hooks, but for starting a process first.
 */
export async function startContainer(deps: SupervisorDeps, id: string): Promise<void> {
  const process = deps.processes.get(id);
  const runtime = process?.runtime;
  if (!process || !runtime) throw noSuchProcess(id);
  if (process.status !== 'created') throw conflict(`cannot start container ${id}: it is ${process.status}`);
  const fifo = `${stateDirectory(runtime, id)}/exec.fifo`;
  const released = runtime.name === 'crun' ? releaseCrun(fifo) : await releaseRunc(deps, process, fifo);
  if (!released) await runStart(deps, id, runtime);
  if (process.status === 'created') process.status = 'running';
}

/** crun's init reads one byte. */
function releaseCrun(fifo: string): boolean {
  let fd: number;
  try {
    fd = openSync(fifo, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENXIO') || hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    // Its absence is how the runtime tells a running container from a created one.
    unlinkSync(fifo);
    writeSync(fd, '\0');
    return true;
  } finally {
    closeSync(fd);
  }
}

/** runc's init writes one byte, as soon as somebody opens the FIFO for reading. */
async function releaseRunc({ reactor }: SupervisorDeps, process: ManagedProcess, fifo: string): Promise<boolean> {
  let fd: number;
  try {
    fd = openSync(fifo, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    const { promise: written, resolve } = Promise.withResolvers<void>();
    reactor.watch(fd, readable, () => resolve());
    await Promise.race([written, whenExited(process)]);
    reactor.unwatch(fd);
    // A short program may have ended before we come to read that it has begun.
    if (readSync(fd, Buffer.alloc(1)) !== 1) throw conflict(`cannot start container ${process.id}: it has exited`);
    unlinkSync(fifo);
    return true;
  } finally {
    reactor.unwatch(fd);
    closeSync(fd);
  }
}

async function runStart(deps: SupervisorDeps, id: string, runtime: OciRuntimeCommand): Promise<void> {
  const logFile = `${deps.scratchFiles.directory}/${deps.scratchFiles.next()}.log`;
  const nothing = openSync('/dev/null', 'r+');
  try {
    const code = await deps.children.run(startCommand(runtime, logFile, id), [nothing, nothing, nothing]);
    const log = takeFile(logFile);
    if (code !== 0) throw runtimeError({ action: 'start', runtime: runtime.name, log, program: undefined });
  } finally {
    closeSync(nothing);
  }
}
