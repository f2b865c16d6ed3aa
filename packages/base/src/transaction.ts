type UndoStep = () => void | Promise<void>;

/** Collects undo steps; `defer` goes on the line after the acquisition it undoes. */
export interface Undo {
  defer(step: UndoStep): void;
}

/**
 * Runs `body`; if it throws, runs the deferred steps in reverse and rethrows the first error.
 * A step that fails does not stop the others: its error is attached as `cause` of an AggregateError.
 */
export async function transaction<T>(body: (undo: Undo) => Promise<T>): Promise<T> {
  const steps: UndoStep[] = [];
  try {
    return await body({ defer: (step) => void steps.push(step) });
  } catch (error) {
    const failures = await runAll(steps.reverse());
    if (failures.length > 0 && error instanceof Error && error.cause === undefined) {
      error.cause = new AggregateError(failures, 'undo failed');
    }
    throw error;
  }
}

/** Runs every step, never stopping early, and returns what went wrong. Teardown is built from this. */
export async function runAll(steps: readonly UndoStep[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}
