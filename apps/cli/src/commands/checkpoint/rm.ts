import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { checkpointDir } from './checkpoint-dir.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER CHECKPOINT',
  args: exactly(2),
  complete: ['container', 'none'],
  flags: { 'checkpoint-dir': checkpointDir },
  async run(cli, flags, [container = '', checkpoint = '']) {
    const client = await cli.client();
    const query = { dir: flags['checkpoint-dir'] || undefined };
    await client.call('DELETE', `/containers/${segment(container)}/checkpoints/${segment(checkpoint)}`, { query });
  },
});
