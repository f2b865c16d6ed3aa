import { bool } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  args: exactly(2),
  complete: ['network', 'container'],
  flags: { force: bool('Disconnect though the container does not answer', { short: 'f' }) },
  async run(cli, { force }, [network = '', Container = '']) {
    const client = await cli.client();
    await client.call('POST', `/networks/${segment(network)}/disconnect`, { body: { Container, Force: force } });
  },
});
