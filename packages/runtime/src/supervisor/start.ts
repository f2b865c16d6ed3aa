import { closeSync, constants, openSync, readlinkSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { conflict } from '@wharf/base/error';
import { closeDescriptor } from '@wharf/sys/descriptor';
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
  const init = process.begun === undefined ? executableOf(process.pid) : undefined;
  const released = runtime.name === 'crun' ? releaseCrun(fifo) : await releaseRunc(deps, process, fifo);
  if (!released) await runStart(deps, id, runtime);
  await whenBegun(deps, process, init);
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

/** A start is not held back for longer by a container that keeps its init from going on. */
const patienceMilliseconds = 200;

/**
 * Until the runtime's own init has become the container's program: who lists the container's processes from now on
 * finds no other. crun's closes our pipe by that, runc's has closed it long before.
 */
async function whenBegun(
  { reactor }: SupervisorDeps,
  process: ManagedProcess,
  init: string | undefined,
): Promise<void> {
  const { begun, pid } = process;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = reactor.after(patienceMilliseconds, resolve);
  const exited = whenExited(process).then(resolve);
  if (begun !== undefined) {
    process.begun = undefined;
    reactor.watch(begun, 0, () => resolve());
    await over;
    reactor.unwatch(begun);
    closeDescriptor(begun);
  } else if (init !== undefined) {
    while (executableOf(pid) === init && process.status !== 'exited') {
      await Promise.race([reactor.delay(1), exited]);
      if (performance.now() > timer.due) break;
    }
  }
  reactor.cancel(timer);
}

function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
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
