import { openControl } from '../../build/open-control.ts';
import { alignTabs } from '../../format/tab-writer.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '',
  args: noArgs,
  flags: {},
  async run(cli) {
    await using builder = await openControl(cli);
    const { version, platforms } = await builder.describe();
    const rows = [
      ['NAME/NODE', 'DRIVER/ENDPOINT', 'STATUS', 'BUILDKIT', 'PLATFORMS'],
      ['default*', 'docker', '', '', ''],
      [' \\_ default', ' \\_ default', 'running', version, platforms.join(', ')],
    ];
    cli.out.print(alignTabs(rows.map((row) => `${row.join('\t')}\n`).join('')));
  },
});
