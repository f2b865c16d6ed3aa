import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: 'PLUGIN KEY=VALUE [KEY=VALUE...]',
  args: atLeast(2),
  flags: {},
  async run(cli, _, [name = '', ...settings]) {
    const client = await cli.client();
    await client.call('POST', `/plugins/${segment(name)}/set`, { body: settings });
  },
});
