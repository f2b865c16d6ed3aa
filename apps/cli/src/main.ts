import { Cli, clientVersion } from './cli.ts';
import type { Command } from './commands/command.ts';
import { type Entry, findCommand } from './commands/tree.ts';
import { readEnvironment } from './config.ts';
import { describeError, hintFor } from './describe-error.ts';
import { ExitError } from './exit-error.ts';
import { bool, changedFlags, type Flag } from './flags/flag.ts';
import { globalFlags } from './flags/global.ts';
import { type FlagSet, type ParsedLine, parseFlags } from './flags/parse.ts';
import { UsageError } from './flags/usage-error.ts';
import { versionComplaint } from './require-version.ts';
import { BrokenPipe, SinkOutput } from './terminal/output.ts';

const out = new SinkOutput(Bun.stdout);
const err = new SinkOutput(Bun.stderr);

void main(process.argv.slice(2)).then((status) => process.exit(status));

async function main(args: readonly string[]): Promise<number> {
  try {
    const status = await dispatch(args);
    await out.flush();
    await err.flush();
    return status;
  } catch (error) {
    // Nobody reads any more: end as SIGPIPE would.
    if (error instanceof BrokenPipe) return 141;
    if (!(error instanceof ExitError)) {
      err.print(`${describeError(error)}\n`);
      const hint = hintFor(error);
      if (hint !== undefined) err.print(`${hint}\n`);
    } else if (error.message !== '') err.print(`${error.message}\n`);
    await out.flush().catch(() => {});
    await err.flush().catch(() => {});
    return error instanceof ExitError ? error.status : 1;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const { values, positional } = parseLine(withHelp(globalFlags), args, false, '[OPTIONS] COMMAND [ARG...]', '');
  if (values.version) {
    out.print(`Wharf version ${clientVersion}\n`);
    return 0;
  }
  const cli = new Cli(readEnvironment(), values, out, err);
  if (positional[0] === '__complete') {
    const { complete } = await import('./flags/complete.ts');
    return complete(cli, positional[1] === '--' ? positional.slice(2) : positional.slice(1));
  }
  if (positional.length === 0 || values.help) return showHelp([]);
  if (positional[0] === 'help') return showHelp(positional.slice(1));
  const found = findCommand(positional);
  switch (found.kind) {
    case 'group': {
      const { positional: rest } = parseLine(withHelp({}), found.rest, true, '', found.group);
      return rest.length === 0 ? showHelp([found.group]) : unknownCommand(`${found.group} ${rest[0]}`, found.group);
    }
    case 'unknown':
      return unknownCommand(found.path, found.group);
    case 'command':
      return runCommand(cli, found.entry, found.path, found.rest);
  }
}

async function runCommand(cli: Cli, entry: Entry, path: string, rest: readonly string[]): Promise<number> {
  const command = await entry.load();
  const flags = withHelp(command.flags);
  const { values, positional } = parseLine(flags, rest, command.interspersed ?? true, command.usage, path);
  if (values.help) return command.help ? command.help() : showHelp(path.split(' '));
  checkArity(command, path, positional.length);
  await checkVersions(cli, flags, values[changedFlags]);
  return (await command.run(cli, values, positional)) ?? 0;
}

function withHelp<F extends FlagSet>(flags: F): F & { help: Flag<boolean> } {
  const taken = Object.values(flags).some(({ short }) => short === 'h');
  return { help: bool('Print this text', { hidden: true, ...(taken ? {} : { short: 'h' }) }), ...flags };
}

function parseLine<F extends FlagSet>(
  flags: F,
  args: readonly string[],
  interspersed: boolean,
  usage: string,
  path: string,
): ParsedLine<F> {
  try {
    return parseFlags(flags, args, { interspersed });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const name = path === '' ? 'wharf' : `wharf ${path}`;
    const line = usage === '' ? name : `${name} ${usage}`;
    throw new ExitError(125, `${error.message}\n\nUsage:  ${line}\n\nRun '${name} --help' for more information`);
  }
}

// Asks the daemon for its version only where a flag needs a newer one. All that is too new is named at once.
async function checkVersions(cli: Cli, flags: FlagSet, changed: ReadonlySet<string>): Promise<void> {
  const complaints: string[] = [];
  for (const name of [...changed].toSorted()) {
    const since = flags[name]?.since;
    const complaint = since === undefined ? undefined : await versionComplaint(cli, `"--${name}"`, since);
    if (complaint !== undefined) complaints.push(complaint);
  }
  if (complaints.length > 0) throw new ExitError(1, complaints.join('\n'));
}

function checkArity({ args, usage }: Command, path: string, count: number): void {
  if (count >= args.min && count <= args.max) return;
  const plural = (wanted: number) => (wanted === 1 ? 'argument' : 'arguments');
  let wants: string;
  if (args.max === 0) wants = 'accepts no arguments';
  else if (args.min === args.max) wants = `requires ${args.min} ${plural(args.min)}`;
  else if (args.min > 0 && args.max < Number.POSITIVE_INFINITY)
    wants = `requires at least ${args.min} and at most ${args.max} ${plural(args.max)}`;
  else if (count < args.min) wants = `requires at least ${args.min} ${plural(args.min)}`;
  else wants = `requires at most ${args.max} ${plural(args.max)}`;
  const name = `wharf ${path}`;
  const usageLine = usage === '' ? name : `${name} ${usage}`;
  throw new ExitError(
    1,
    `wharf: '${name}' ${wants}\n\nUsage:  ${usageLine}\n\nRun '${name} --help' for more information`,
  );
}

function unknownCommand(path: string, group: string): never {
  const usage = group === '' ? '' : `Usage:  wharf ${group}\n\n`;
  const name = group === '' ? 'wharf' : `wharf ${group}`;
  throw new ExitError(1, `wharf: unknown command: wharf ${path}\n\n${usage}Run '${name} --help' for more information`);
}

async function showHelp(words: readonly string[]): Promise<number> {
  const { commandHelp, groupHelp, rootHelp } = await import('./flags/help.ts');
  const [first = ''] = words;
  if (first === '') out.print(rootHelp(globalFlags));
  else {
    const found = findCommand(words);
    if (found.kind === 'group') {
      out.print(groupHelp(found.group));
      return 0;
    }
    if (found.kind !== 'command') return unknownCommand(words.join(' '), '');
    out.print(commandHelp(found.entry, await found.entry.load(), found.path));
  }
  return 0;
}
