import { createRow } from '@wharf/base/template/row';
import { formatList, type ListStyle } from '../../format/list.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { checkpointDir } from './checkpoint-dir.ts';

const style: ListStyle = {
  headers: { Name: 'CHECKPOINT NAME' },
  table: '{{.Name}}',
  quiet: '{{.Name}}',
  raw: [['name', 'Name']],
};

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  complete: ['container'],
  flags: { 'checkpoint-dir': checkpointDir },
  async run(cli, flags, [container = '']) {
    const client = await cli.client();
    const query = { dir: flags['checkpoint-dir'] || undefined };
    const path = `/containers/${segment(container)}/checkpoints`;
    const checkpoints = await client.json<readonly { readonly Name: string }[] | null>('GET', path, { query });
    const rows = (checkpoints ?? []).map(({ Name }) => createRow('*formatter.checkpointContext', { Name: () => Name }));
    cli.out.print(formatList(rows, '', false, style));
  },
});
