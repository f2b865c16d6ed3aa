import { ExitError } from '../../exit-error.ts';
import { text } from '../../flags/flag.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { checkOutputPath, writeWhole } from '../write-whole.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  complete: ['container'],
  flags: {
    output: text('Write to this file instead of standard output', { short: 'o', complete: 'file' }),
  },
  async run(cli, { output }, [container = '']) {
    if (output === '' && isTerminal(1)) {
      throw new ExitError(1, 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    if (output !== '') checkOutputPath(output, 'failed to export container');
    const client = await cli.client();
    const { body } = await client.request('GET', `/containers/${segment(container)}/export`);
    if (output === '') for await (const chunk of body) await cli.out.write(chunk);
    else await writeWhole(output, body);
  },
});
