import type { Cli } from '../cli.ts';
import { describeError, hintFor } from '../describe-error.ts';
import { ExitError } from '../exit-error.ts';

/**
 * Does the same to every argument, all at once, and prints each result in the order of the arguments. What failed is
 * said at the end, and makes the exit code 1.
 */
export async function forEachArgument(
  cli: Cli,
  args: readonly string[],
  action: (argument: string) => Promise<string | undefined>,
): Promise<void> {
  const running = args.map((argument) =>
    action(argument).then(
      (text) => ({ text }),
      (error: unknown) => ({ error }),
    ),
  );
  const failures: string[] = [];
  for (const outcome of running) {
    const done = await outcome;
    if ('error' in done) failures.push(describeFailure(done.error));
    else if (done.text !== undefined) cli.out.print(`${done.text}\n`);
  }
  if (failures.length > 0) throw new ExitError(1, [...new Set(failures)].join('\n'));
}

function describeFailure(error: unknown): string {
  const hint = hintFor(error);
  return hint === undefined ? describeError(error) : `${describeError(error)}\n${hint}`;
}

/** A name inside a path: slashes, tags and digests as they are. */
export function segment(text: string): string {
  return text
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/%3A/g, ':').replace(/%40/g, '@'))
    .join('/');
}
