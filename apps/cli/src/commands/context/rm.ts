import { writeConfigValue } from '../../context/config-file.ts';
import { contextPaths } from '../../context/context-store.ts';
import { currentContextName } from '../../context/endpoint.ts';
import { describeError } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: 'CONTEXT [CONTEXT...]',
  args: atLeast(1),
  complete: ['context'],
  flags: { force: bool('Remove it though it is in use', { short: 'f' }) },
  async run(cli, { force }, names) {
    const { rmSync } = await import('node:fs');
    const current = await currentContextName(cli);
    const failures: string[] = [];
    for (const name of names) {
      try {
        if (name === 'default') throw new Error('context "default" cannot be removed');
        const paths = contextPaths(cli.configDirectory, name);
        if (!force && !(await Bun.file(`${paths.metadata}/meta.json`).exists())) {
          throw new Error(`context "${name}" does not exist`);
        }
        if (name === current) {
          if (!force) throw new Error(`context "${name}" is in use, set -f flag to force remove`);
          await writeConfigValue(cli.configDirectory, 'currentContext', undefined);
        }
        rmSync(paths.metadata, { recursive: true, force: true });
        rmSync(paths.tls, { recursive: true, force: true });
        cli.out.print(`${name}\n`);
      } catch (error) {
        failures.push(describeError(error));
      }
    }
    if (failures.length > 0) throw new ExitError(1, failures.join('\n'));
  },
});
