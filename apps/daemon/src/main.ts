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
    const settings = loadSettings(flags, environment);
    if (flags.action === 'validate') {
      process.stderr.write('configuration OK\n');
      return 0;
    }
    const { runDaemon } = await import('./daemon.ts');
    return await runDaemon(settings, environment);
  } catch (error) {
    process.stderr.write(`${EngineError.from(error).message}\n`);
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));
