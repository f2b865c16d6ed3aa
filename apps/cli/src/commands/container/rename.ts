import { describeError } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  args: exactly(2),
  complete: ['container', 'none'],
  flags: {},
  async run(cli, _flags, [container = '', name = '']) {
    const [from, to] = [container.trim(), name.trim()];
    if (from === '' || to === '') throw new ExitError(1, 'Error: Neither old nor new names may be empty');
    const client = await cli.client();
    try {
      await client.call('POST', `/containers/${segment(from)}/rename`, { query: { name: to } });
    } catch (error) {
      throw new ExitError(1, `${describeError(error)}\nError: failed to rename container named ${from}`);
    }
  },
});
