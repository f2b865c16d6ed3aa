import { writeConfigValue } from '../../context/config-file.ts';
import { checkContextName, readContext } from '../../context/context-store.ts';
import { defineCommand, exactly } from '../command.ts';

export const command = defineCommand({
  usage: 'CONTEXT',
  args: exactly(1),
  complete: ['context'],
  flags: {},
  async run(cli, _flags, [name = '']) {
    if (name !== 'default') {
      checkContextName(name);
      await readContext(cli.configDirectory, name);
    }
    if (((await cli.config()).currentContext ?? 'default') !== name) {
      await writeConfigValue(cli.configDirectory, 'currentContext', name === 'default' ? undefined : name);
    }
    cli.out.print(`${name}\n`);
    cli.err.print(`Current context is now "${name}"\n`);
    if (name !== 'default' && cli.environment.host !== undefined) {
      cli.err.print(
        `Warning: DOCKER_HOST environment variable overrides the active context. To use "${name}", either set the global --context flag, or unset DOCKER_HOST environment variable.\n`,
      );
    }
  },
});
