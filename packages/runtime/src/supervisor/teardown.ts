import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type CgroupPaths, cgroupDirectories, removeCgroups, signalCgroups, thawCgroup } from '@wharf/sys/cgroup';
import { deleteCommand, stateDirectory } from '../oci-runtime.ts';
import { signalProcess } from './kill.ts';
import { type ManagedProcess, whenExited } from './managed-process.ts';
import { takeFile } from './scratch-files.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

const SIGKILL = 9;

/** Ends the container if it still runs, removes its cgroups and the runtime's state, and forgets it. Idempotent. */
export async function deleteContainer(deps: SupervisorDeps, id: string): Promise<void> {
  const { processes, exits, containers } = deps;
  const process = processes.get(id);
  if (!process) {
    processes.takePending(id, undefined)?.abandon();
    exits.remove(id, undefined);
    containers.remove(id);
    return;
  }
  if (process.making) {
    // Asked for by a daemon that was killed meanwhile: what it left half made is made first, then removed.
    await Promise.allSettled([process.making]);
    await deleteContainer(deps, id);
    return;
  }
  await endContainer(deps, process);
  if (!(await removeByHand(deps, process))) await runDelete(deps, process);
  for (const exec of processes.ofContainer(id)) {
    if (exec.status === 'exited') exits.remove(id, exec.execId);
    processes.remove(exec);
  }
  containers.remove(id);
}

async function endContainer({ cgroups }: SupervisorDeps, process: ManagedProcess): Promise<void> {
  if (process.status === 'exited') return;
  if (process.cgroups) {
    // A frozen process does not die.
    thawCgroup(process.cgroups);
    signalCgroups(cgroupDirectories(process.cgroups, cgroups.layout), SIGKILL);
  }
  signalProcess(process, SIGKILL);
  await whenExited(process);
}

/**
 * What the runtime's `delete` does, without a process for it. False if something stays that only the runtime
 * knows how to remove.
 */
async function removeByHand({ reactor, cgroups }: SupervisorDeps, process: ManagedProcess): Promise<boolean> {
  if (!process.runtime || !process.cgroups) return false;
  if (cgroupDirectories(process.cgroups, cgroups.layout).length === 0) return false;
  if (!(await clearCgroups({ reactor, cgroups }, process.cgroups))) return false;
  rmSync(stateDirectory(process.runtime, process.id), { recursive: true, force: true });
  return true;
}

/** Ends what is in the cgroups, and removes them; false where something stays. */
async function clearCgroups(
  { reactor, cgroups }: Pick<SupervisorDeps, 'reactor' | 'cgroups'>,
  paths: CgroupPaths,
): Promise<boolean> {
  let left = removeCgroups(cgroupDirectories(paths, cgroups.layout));
  // Without a pid namespace of its own a container leaves processes behind, and a dying one counts for a moment.
  for (let wait = 1; left.length > 0 && wait < 2000; wait *= 2) {
    thawCgroup(paths);
    signalCgroups(left, SIGKILL);
    await reactor.delay(wait);
    left = removeCgroups(left);
  }
  return left.length === 0;
}

/** A runtime that could not set a limit leaves the cgroups that it had made by then. */
export async function clearCgroupsOfBundle(
  deps: Pick<SupervisorDeps, 'reactor' | 'cgroups'>,
  { bundle, id }: { bundle: string; id: string },
): Promise<void> {
  const path = cgroupsPathOf(bundle);
  // Nothing but its own: the name is the container's.
  if (path?.startsWith('/') && path.endsWith(`/${id}`)) await clearCgroups(deps, deps.cgroups.named(path));
}

function cgroupsPathOf(bundle: string): string | undefined {
  try {
    const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8')) as { linux?: { cgroupsPath?: string } };
    return linux?.cgroupsPath;
  } catch {
    return undefined;
  }
}

async function runDelete(deps: SupervisorDeps, { id, runtime }: ManagedProcess): Promise<void> {
  if (!runtime) return;
  const logFile = `${deps.scratchFiles.directory}/${deps.scratchFiles.next()}.log`;
  const nothing = openSync('/dev/null', 'r+');
  try {
    const code = await deps.children.run(deleteCommand(runtime, logFile, id), [nothing, nothing, nothing]);
    const log = takeFile(logFile);
    if (code !== 0 && !/does not exist|no such file/i.test(log))
      throw new Error(`deleting container ${id}: ${log.trim()}`);
  } finally {
    closeSync(nothing);
  }
}
