import { parseArgs } from 'node:util';
import { EngineError } from '@wharf/base/error';
import { commands, formatHelp } from './commands.ts';

/** The registry on its own: serves, and looks after what it has stored. `wharf registry` runs the same. */
async function main(argv: readonly string[]): Promise<number> {
  const found = findCommand(argv);
  if (!found) {
    const wantsHelp = argv.length === 0 || argv.includes('--help') || argv.includes('-h') || argv[0] === 'help';
    if (!wantsHelp) process.stderr.write(`wharf registry: unknown command: ${argv[0]}\n\n`);
    (wantsHelp ? process.stdout : process.stderr).write(formatHelp());
    return wantsHelp ? 0 : 1;
  }
  const { name, command, rest } = found;
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    if (values.help === true) {
      process.stdout.write(formatHelp(name));
      return 0;
    }
    return (await command.run(values as Record<string, never>, positionals)) ?? 0;
  } catch (error) {
    process.stderr.write(`${EngineError.from(error).message}\n`);
    return 1;
  }
}

function findCommand(argv: readonly string[]) {
  for (const count of [2, 1]) {
    const name = argv.slice(0, count).join(' ');
    const command = commands[name];
    if (command && argv.length >= count) return { name, command, rest: argv.slice(count) };
  }
  return undefined;
}

process.exit(await main(process.argv.slice(2)));
