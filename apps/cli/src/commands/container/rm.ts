import { isErrorCode } from '@wharf/base/error';
import { describeError } from '../../describe-error.ts';
import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  complete: ['container'],
  flags: {
    force: bool('Kill it first if it runs', { short: 'f' }),
    link: bool('Remove a link, not a container', { short: 'l' }),
    volumes: bool('Remove its anonymous volumes too', { short: 'v' }),
  },
  async run(cli, { force, link, volumes }, names) {
    const client = await cli.client();
    const query = { force: force || undefined, link: link || undefined, v: volumes || undefined };
    await forEachArgument(cli, names, async (name) => {
      const bare = name.replace(/^\/+/, '');
      if (bare === '') throw new Error('container name cannot be empty');
      try {
        await client.call('DELETE', `/containers/${segment(bare)}`, { query });
      } catch (error) {
        if (!force || !isErrorCode(error, 'not_found')) throw error;
        cli.err.print(`${describeError(error)}\n`);
        return undefined;
      }
      return bare;
    });
  },
});
