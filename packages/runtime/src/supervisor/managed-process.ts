import type { CgroupPaths } from '@wharf/sys/cgroup';
import type { Stdio } from './stdio.ts';
import type { LogTarget, OciRuntimeCommand, ProcessExit, ProcessState } from './supervisor.ts';

/** A container's init or an exec'd process, from its creation until its exit is forgotten. */
export interface ManagedProcess {
  readonly id: string;
  readonly execId: string | undefined;
  /** Undefined for an exec of which only the exit is known. */
  readonly runtime: OciRuntimeCommand | undefined;
  readonly bundle: string | undefined;
  readonly stdio: Stdio;
  readonly log: LogTarget;
  status: ProcessState['status'];
  pid: number;
  /** Only of a container that another supervisor made: others are our children, whose pids are not reused before we reap them. */
  pidfd: number | undefined;
  cgroups: CgroupPaths | undefined;
  exit: ProcessExit | undefined;
  /** Of a container that has not started: the pipe whose other end its init closes by executing the program. */
  begun: number | undefined;
  /** Settles when the runtime has made it, or could not. */
  making: Promise<unknown> | undefined;
  /** Called once, when the exit is recorded. */
  readonly exitListeners: (() => void)[];
}

export function whenExited(process: ManagedProcess): Promise<void> {
  if (process.status === 'exited') return Promise.resolve();
  return new Promise((resolve) => process.exitListeners.push(resolve));
}

/** Every process by container and exec, and the stdio that clients attached to before there was a process. */
export class ProcessTable {
  readonly #processes = new Map<string, ManagedProcess>();
  readonly #pending = new Map<string, Stdio>();

  get(id: string, execId?: string): ManagedProcess | undefined {
    return this.#processes.get(key(id, execId));
  }

  add(process: ManagedProcess): void {
    this.#processes.set(key(process.id, process.execId), process);
  }

  remove({ id, execId }: Pick<ManagedProcess, 'id' | 'execId'>): void {
    this.#processes.delete(key(id, execId));
  }

  all(): ManagedProcess[] {
    return [...this.#processes.values()];
  }

  /** The container's init and its execs. */
  ofContainer(id: string): ManagedProcess[] {
    return this.all().filter((process) => process.id === id);
  }

  /** True while a process exists whose exit is still to come. */
  get busy(): boolean {
    return this.all().some(({ status }) => status !== 'exited');
  }

  pending(id: string, execId: string | undefined, make: () => Stdio): Stdio {
    const at = key(id, execId);
    let stdio = this.#pending.get(at);
    if (!stdio) {
      for (const [other, { idle }] of this.#pending) if (idle) this.#pending.delete(other);
      stdio = make();
      this.#pending.set(at, stdio);
    }
    return stdio;
  }

  takePending(id: string, execId: string | undefined): Stdio | undefined {
    const stdio = this.#pending.get(key(id, execId));
    this.#pending.delete(key(id, execId));
    return stdio;
  }

  allPending(): { id: string; execId: string | undefined; stdio: Stdio }[] {
    return [...this.#pending].map(([at, stdio]) => {
      const [id = '', execId] = at.split('/');
      return { id, execId, stdio };
    });
  }
}

/** Ids are hexadecimal or at least hold no slash: they name directories. */
function key(id: string, execId: string | undefined): string {
  return execId === undefined ? id : `${id}/${execId}`;
}

export function processState({ id, execId, pid, status, exit }: ManagedProcess): ProcessState {
  return { id, ...(execId !== undefined && { execId }), pid, status, ...(exit && { exit }) };
}
