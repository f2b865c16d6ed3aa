import type { BuildCacheRecord, DiskUsage } from '@wharf/api/system';
import { bool } from '../../flags/flag.ts';
import { alignTabs } from '../../format/tab-writer.ts';
import { since } from '../../format/time.ts';
import { humanSize } from '../../format/units.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { verbose: bool('Show everything known of each record') },
  async run(cli, { verbose }) {
    const client = await cli.client();
    const { BuildCache } = await client.json<DiskUsage>('GET', '/system/df', { query: { type: 'build-cache' } });
    const records = (BuildCache ?? []).toSorted((a, b) => b.Size - a.Size);
    if (verbose) cli.out.print(records.map(described).join(''));
    else if (records.length > 0) {
      const rows = records.map((record) => [markedId(record), String(!record.InUse), size(record), lastUsed(record)]);
      const table = [['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'], ...rows];
      cli.out.print(alignTabs(table.map((row) => `${row.join('\t')}\n`).join('')));
    }
    const sum = (wanted: (record: BuildCacheRecord) => boolean) =>
      humanSize(records.filter(wanted).reduce((total, { Size }) => total + Size, 0));
    if (records.some(({ Shared }) => Shared)) cli.out.print(`Shared:\t\t${sum(({ Shared }) => Shared)}\n`);
    cli.out.print(`Reclaimable:\t${sum(({ InUse }) => !InUse)}\nTotal:\t\t${sum(() => true)}\n`);
  },
});

/** A star tells what changes as builds use it. */
function markedId({ ID, Type }: BuildCacheRecord): string {
  return Type === 'exec.cachemount' ? `${ID}*` : ID;
}

/** A star tells what images have as well. */
function size({ Size, Shared }: BuildCacheRecord): string {
  return `${humanSize(Size)}${Shared ? '*' : ''}`;
}

function lastUsed({ LastUsedAt }: BuildCacheRecord): string {
  return LastUsedAt ? `${since(Date.parse(LastUsedAt) / 1000)} ago` : '';
}

function described(record: BuildCacheRecord): string {
  const rows = [
    ['ID', record.ID],
    ['Created at', record.CreatedAt],
    ['Mutable', record.Type === 'exec.cachemount'],
    ['Reclaimable', !record.InUse],
    ['Shared', record.Shared],
    ['Size', humanSize(record.Size)],
    ['Description', record.Description],
    ['Usage count', record.UsageCount],
    ['Last used', lastUsed(record)],
    ['Type', record.Type],
  ];
  return `${alignTabs(rows.map(([name, value]) => `${name}:\t${value}\n`).join(''))}\n`;
}
