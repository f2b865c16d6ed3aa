import type { Cli } from '../cli.ts';

/** Asks on standard output; anything but yes is no. */
export async function confirm(cli: Cli, question: string): Promise<boolean> {
  cli.out.print(`${question} [y/N] `);
  await cli.out.flush();
  const answer = (await readLine()).trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}

/** A line of standard input, without its end. */
export async function readLine(): Promise<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const chunk of Bun.stdin.stream()) {
    line += decoder.decode(chunk, { stream: true });
    if (line.includes('\n')) break;
  }
  return (line.split('\n')[0] ?? '').replace(/\r$/, '');
}
