import { inspect } from 'node:util';
import { EngineError } from '@wharf/base/error';
import { loadSettings, readEnvironment } from './config/config.ts';
import { formatHelp, parseFlags } from './config/flags.ts';
import { build } from './version.ts';

/** `wharfd`: reads flags and daemon.json, then runs the daemon until a signal ends it. */
async function main(argv: readonly string[]): Promise<number> {
  let flags: ReturnType<typeof parseFlags>;
  try {
    flags = parseFlags(argv);
  } catch (error) {
    process.stderr.write(`${EngineError.from(error).message}\nSee 'wharfd --help'.\n`);
    return 1;
  }
  if (flags.action === 'help') {
    process.stdout.write(formatHelp());
    return 0;
  }
  if (flags.action === 'version') {
    process.stdout.write(`Wharf version ${build.version}, build ${build.gitCommit}\n`);
    return 0;
  }
  try {
    const environment = readEnvironment();
    const load = () => loadSettings(flags, environment);
    if (flags.action === 'validate') {
      load();
      process.stderr.write('configuration OK\n');
      return 0;
    }
    const { runDaemon } = await import('./daemon.ts');
    return await runDaemon(load, environment);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

/** What was foreseen has a message for people; anything else is a defect, and where it happened matters. */
function explain(error: unknown): string {
  if (error instanceof EngineError) return error.message;
  return `failed to start daemon: ${error instanceof Error ? (error.stack ?? error.message) : inspect(error)}`;
}

process.exit(await main(process.argv.slice(2)));
