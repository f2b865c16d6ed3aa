import { alignTabs } from '../../format/tab-writer.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';

interface TopResponse {
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[] | null;
}

export const command = defineCommand({
  usage: 'CONTAINER [ps OPTIONS]',
  args: atLeast(1),
  interspersed: false,
  complete: ['running-container', 'none'],
  flags: {},
  async run(cli, _flags, [container = '', ...options]) {
    const client = await cli.client();
    const { Titles, Processes } = await client.json<TopResponse>('GET', `/containers/${segment(container)}/top`, {
      query: { ps_args: options.length > 0 ? options.join(' ') : undefined },
    });
    const lines = [Titles, ...(Processes ?? [])].map((cells) => `${cells.join('\t')}\n`);
    cli.out.print(alignTabs(lines.join(''), { minWidth: 20, padding: 3 }));
  },
});
