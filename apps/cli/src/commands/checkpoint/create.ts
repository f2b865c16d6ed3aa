import { bool } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { checkpointDir } from './checkpoint-dir.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER CHECKPOINT',
  args: exactly(2),
  complete: ['running-container', 'none'],
  flags: {
    'checkpoint-dir': checkpointDir,
    'leave-running': bool('Let the container go on afterwards'),
  },
  async run(cli, flags, [container = '', checkpoint = '']) {
    const client = await cli.client();
    await client.call('POST', `/containers/${segment(container)}/checkpoints`, {
      body: { CheckpointID: checkpoint, CheckpointDir: flags['checkpoint-dir'], Exit: !flags['leave-running'] },
    });
    cli.out.print(`${checkpoint}\n`);
  },
});
