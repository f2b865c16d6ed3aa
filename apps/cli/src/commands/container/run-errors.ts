import { EngineError } from '@wharf/base/error';
import { describeError, hintFor } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { isTerminal } from '../../terminal/terminal.ts';

/** `run` and `create` end with 125 for what wharf or the daemon got wrong, 126 and 127 for the container's command. */
export function failRun(name: string, error: unknown): ExitError {
  if (error instanceof ExitError) return error;
  const hint = hintFor(error) ?? `Run 'wharf ${name} --help' for more information`;
  return new ExitError(startStatus(error), `wharf: ${describeError(error)}\n\n${hint}`);
}

function startStatus(error: unknown): number {
  if (error instanceof EngineError && error.reason === 'cmd_not_found') return 127;
  if (error instanceof EngineError && error.reason === 'cmd_not_executable') return 126;
  if (!(error instanceof EngineError)) return 125;
  // Daemons that give no reason say it in the text, which is what docker goes by.
  const { message } = error;
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message))
    return 127;
  if (/permission denied|is a directory/i.test(message) && error.code !== 'unavailable') return 126;
  return 125;
}

/** A terminal in the container needs one here for its input. */
export function requireTerminal(stdin: boolean, tty: boolean): void {
  if (stdin && tty && !isTerminal(0)) throw new ExitError(1, 'the input device is not a TTY');
}
