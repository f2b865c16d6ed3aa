import { int } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] PLUGIN',
  args: exactly(1),
  flags: { timeout: int('Seconds that the plugin has to answer', { initial: 30 }) },
  async run(cli, { timeout }, [name = '']) {
    const client = await cli.client();
    await client.call('POST', `/plugins/${segment(name)}/enable`, { query: { timeout: String(timeout) } });
    cli.out.print(`${name}\n`);
  },
});
