import type { ImageHistoryItem } from '@wharf/api/image';
import { createRow, type Row } from '@wharf/base/template/row';
import { listFormat, noTrunc } from '../../flags/common.ts';
import { bool, text } from '../../flags/flag.ts';
import { formatList, type ListStyle } from '../../format/list.ts';
import { rfc3339, since } from '../../format/time.ts';
import { ellipsis, humanSize, truncateId } from '../../format/units.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { platformQuery } from './platform.ts';

const headers = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
} as const;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  args: exactly(1),
  complete: ['image'],
  flags: {
    format: listFormat,
    human: bool('Show sizes and dates as people read them', { short: 'H', initial: true }),
    'no-trunc': noTrunc,
    platform: text('Platform to show of an image that has several (os/arch)', { complete: 'platform', since: 48 }),
    quiet: bool('Show ids only', { short: 'q' }),
  },
  async run(cli, flags, [image = '']) {
    const client = await cli.client();
    const items = await client.json<ImageHistoryItem[]>('GET', `/images/${segment(image)}/history`, {
      query: { platform: platformQuery(flags.platform) },
    });
    const created = flags.human ? '{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}' : '{{.CreatedAt}}';
    const style: ListStyle = {
      headers,
      table: `{{.ID}}\t${created}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
      quiet: '{{.ID}}',
    };
    const rows = items.map((item) => historyRow(item, !flags['no-trunc'], flags.human));
    cli.out.print(formatList(rows, flags.format, flags.quiet, style));
  },
});

function historyRow(
  { Id, Created, CreatedBy, Size, Comment }: ImageHistoryItem,
  truncate: boolean,
  human: boolean,
): Row {
  const date = () => (Created <= 0 ? '' : rfc3339(Created));
  return createRow('*image.historyContext', {
    ID: () => (truncate ? truncateId(Id) : Id),
    CreatedAt: date,
    CreatedSince: () => (human ? (Created <= 0 ? '' : since(Created)) : date()),
    CreatedBy: () => {
      const line = CreatedBy.replaceAll('\t', ' ');
      return truncate ? ellipsis(line, 45) : line;
    },
    Size: () => (human ? humanSize(Size, 3) : String(Size)),
    Comment: () => Comment,
  });
}
