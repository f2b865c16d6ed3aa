import { fileURLToPath } from 'node:url';
import { connectSupervisor, type SupervisorClient } from '@wharf/runtime/supervisor/client';

export interface SupervisorLink {
  readonly supervisor: Promise<SupervisorClient>;
  /** Settles when the supervisor is reached or on its way. */
  readonly begun: Promise<unknown>;
  /** Called when the supervisor was lost and is found again. */
  onReconnect: () => void;
}

/** Reaches the supervisor of an exec-root, or starts it. */
export function linkSupervisor(execRoot: string): SupervisorLink {
  const supervisor = connectSupervisor({
    execRoot,
    spawn: supervisorCommand(),
    onReconnect: () => link.onReconnect(),
  });
  // The failure is told to who waits for the supervisor, not twice.
  supervisor.catch(() => {});
  const link: SupervisorLink = { supervisor, begun: Promise.race([supervisor, turns()]), onReconnect() {} };
  return link;
}

/** A few turns of the event loop: for a connection to be refused, and a process to be spawned in its place. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The supervisor is this program's other face: the same interpreter, the script beside this one. */
function supervisorCommand(): string[] {
  return [process.execPath, fileURLToPath(new URL('./supervisor.ts', import.meta.url))];
}
