import type { Cli } from '../cli.ts';
import { ExitError } from '../exit-error.ts';
import { isTerminal, terminalSize } from '../terminal/terminal.ts';
import { PlainDisplay } from './plain-display.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { RawDisplay } from './raw-display.ts';
import { TerminalDisplay } from './terminal-display.ts';

const standardError = 2;

/** Whether what people read on standard error may have colours. */
export function hasColours({ environment }: Cli): boolean {
  return isTerminal(standardError) && !environment.lookup('NO_COLOR');
}

/** The display that `--progress` names, on standard error. */
export async function chooseDisplay(cli: Cli, given: string): Promise<ProgressDisplay> {
  const named = given === 'auto' ? cli.environment.lookup('BUILDKIT_PROGRESS') || 'auto' : given;
  switch (named) {
    case 'auto':
      return isTerminal(standardError) ? terminal(cli) : new PlainDisplay(cli.err);
    case 'tty':
      if (!isTerminal(standardError)) {
        throw new ExitError(1, 'ERROR: failed to get console: provided file is not a console');
      }
      return terminal(cli);
    case 'plain':
      return new PlainDisplay(cli.err);
    case 'rawjson':
      return new RawDisplay(cli.err);
    case 'quiet':
    case 'none':
      return { add: () => undefined, end: () => undefined };
    default:
      throw new ExitError(1, `ERROR: invalid progress mode ${named}: use auto, plain, tty, rawjson or quiet`);
  }
}

async function terminal(cli: Cli): Promise<ProgressDisplay> {
  const { context } = await cli.endpoint();
  return new TerminalDisplay(cli.err, {
    colours: hasColours(cli),
    size: () => terminalSize(standardError) ?? { rows: 24, columns: 80 },
    title: `docker:${context}`,
  });
}
