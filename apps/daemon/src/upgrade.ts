import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { replaceProgram } from '@wharf/sys/process';
import { handOverVariable } from './config/config.ts';

const run = promisify(execFile);

/** The command that runs this daemon, as it was given: what its words name may be newer by now. */
function ownCommand(): string[] {
  const [, ...args] = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
  return [process.execPath, ...args];
}

/** Rejects when the program that would replace this one does not run, or refuses the configuration. */
export async function checkNextProgram(): Promise<void> {
  const [program, ...args] = ownCommand();
  await run(program!, [...args, '--validate'], { timeout: 10_000 });
}

/** Executes the next program in place of this one: same process id. Everything must be closed. */
export function becomeNextProgram(sockets: ReadonlyMap<string, number>): never {
  const environment = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  return replaceProgram(ownCommand(), {
    ...environment,
    [handOverVariable]: JSON.stringify(Object.fromEntries(sockets)),
  });
}
