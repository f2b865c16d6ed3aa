import { bool } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] PLUGIN',
  args: exactly(1),
  flags: { force: bool('Disable one that is in use, too', { short: 'f' }) },
  async run(cli, { force }, [name = '']) {
    const client = await cli.client();
    await client.call('POST', `/plugins/${segment(name)}/disable`, { query: { force: force || undefined } });
    cli.out.print(`${name}\n`);
  },
});
