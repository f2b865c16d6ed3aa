import type { Cli } from '../cli.ts';
import { ExitError } from '../exit-error.ts';

/** Asks on standard output; anything but yes ends the client. */
export async function confirm(cli: Cli, question: string, what: string): Promise<void> {
  cli.out.print(`${question} [y/N] `);
  await cli.out.flush();
  const answer = (await readLine()).trim().toLowerCase();
  if (answer !== 'y' && answer !== 'yes') throw new ExitError(1, `${what} has been cancelled`);
}

async function readLine(): Promise<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const chunk of Bun.stdin.stream()) {
    line += decoder.decode(chunk, { stream: true });
    if (line.includes('\n')) break;
  }
  return line.split('\n')[0] ?? '';
}
