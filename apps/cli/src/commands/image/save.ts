import { ExitError } from '../../exit-error.ts';
import { list, text } from '../../flags/flag.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { atLeast, defineCommand } from '../command.ts';
import { checkOutputPath, writeWhole } from '../write-whole.ts';
import { platformQuery } from './platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  complete: ['image'],
  flags: {
    output: text('Write to this file instead of standard output', { short: 'o', complete: 'file' }),
    platform: list('Save this platform only (os/arch)', { kind: 'strings', complete: 'platform', since: 48 }),
  },
  async run(cli, { output, platform }, names) {
    if (output === '' && isTerminal(1)) {
      throw new ExitError(1, 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    if (output !== '') checkOutputPath(output, 'failed to save image');
    const client = await cli.client();
    const { body } = await client.request('GET', '/images/get', {
      query: { names, platform: platform.flatMap((value) => platformQuery(value) ?? []) },
    });
    if (output === '') {
      for await (const chunk of body) await cli.out.write(chunk);
      return;
    }
    await writeWhole(output, body);
  },
});
