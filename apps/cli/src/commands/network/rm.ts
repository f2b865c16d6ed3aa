import { isErrorCode } from '@wharf/base/error';
import { describeError, hintFor } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: 'NETWORK [NETWORK...]',
  args: atLeast(1),
  complete: ['network'],
  flags: { force: bool('Do not fail where there is none', { short: 'f' }) },
  async run(cli, { force }, names) {
    const client = await cli.client();
    let status = 0;
    for (const name of names) {
      try {
        await client.call('DELETE', `/networks/${segment(name)}`);
        cli.out.print(`${name}\n`);
      } catch (error) {
        if (force && isErrorCode(error, 'not_found')) continue;
        if (hintFor(error) !== undefined) throw error;
        cli.err.print(`${describeError(error)}\n`);
        status = 1;
      }
    }
    if (status !== 0) throw new ExitError(status, `exit status ${status}`);
  },
});
