import { requireDefaultBuilder } from '../../build/builders.ts';
import { openControl } from '../../build/open-control.ts';
import { bool } from '../../flags/flag.ts';
import { alignTabs } from '../../format/tab-writer.ts';
import { atMost, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: '[NAME]',
  args: atMost(1),
  complete: [['default']],
  flags: { bootstrap: bool('Kept for scripts: the daemon always runs') },
  async run(cli, _flags, [name = '']) {
    requireDefaultBuilder(name);
    await using builder = await openControl(cli);
    const { version, platforms, labels } = await builder.describe();
    const node = [
      ['Name', 'default'],
      ['Endpoint', 'default'],
      ['Status', 'running'],
      ['BuildKit version', version],
      ['Platforms', platforms.join(', ')],
    ];
    const lines = (rows: string[][]) => alignTabs(rows.map(([title, value]) => `${title}:\t${value}\n`).join(''));
    cli.out.print(
      `${lines([
        ['Name', 'default'],
        ['Driver', 'docker'],
      ])}\nNodes:\n${lines(node)}`,
    );
    if (labels.length > 0) cli.out.print(`Labels:\n${labels.map(([key, value]) => ` ${key}: ${value}\n`).join('')}`);
  },
});
