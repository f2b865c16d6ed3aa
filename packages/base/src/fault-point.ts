/** Called by name before each step that changes durable or kernel state; does nothing unless faults are driven. */
export type FaultPoint = (step: string) => void;

export const noFaults: FaultPoint = () => {};

export interface FaultOptions {
  /** 1 is the first step passed; the process dies by SIGKILL when it reaches step number `at`. */
  readonly at: number;
  /** Count only steps whose name starts with this: `create.`, `remove.`. Empty counts all. */
  readonly prefix?: string;
  /** Told of each step that counts, so that a test can learn how many there are. */
  readonly onStep?: (step: string, number: number) => void;
  /** For tests of this file itself. */
  readonly die?: () => void;
}

/** Dies like a daemon that is killed at the worst moment: at the chosen step, with nothing flushed. */
export function createFaultPoint({ at, prefix = '', onStep, die = killSelf }: FaultOptions): FaultPoint {
  let passed = 0;
  return (step) => {
    if (!step.startsWith(prefix)) return;
    passed += 1;
    onStep?.(step, passed);
    if (passed === at) die();
  };
}

function killSelf(): void {
  process.kill(process.pid, 'SIGKILL');
}
