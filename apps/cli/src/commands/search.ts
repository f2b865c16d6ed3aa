import type { SearchItem } from '@wharf/api/registry';
import { createRow, type Row } from '@wharf/base/template/row';
import { registryAuth } from '../credentials/credential-store.ts';
import { filter, listFormat, noTrunc } from '../flags/common.ts';
import { int } from '../flags/flag.ts';
import { filtersQuery } from '../flags/key-values.ts';
import { formatList, type ListStyle } from '../format/list.ts';
import { defineCommand, exactly } from './command.ts';

const style: ListStyle = {
  headers: {
    Name: 'NAME',
    Description: 'DESCRIPTION',
    StarCount: 'STARS',
    IsOfficial: 'OFFICIAL',
  },
  table: '{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}',
  quiet: '{{.Name}}',
};

export const command = defineCommand({
  usage: '[OPTIONS] TERM',
  args: exactly(1),
  flags: {
    filter: filter('"is-official=true", "stars=10"'),
    format: listFormat,
    limit: int('At most so many results', { shown: '25' }),
    'no-trunc': noTrunc,
  },
  async run(cli, flags, [term = '']) {
    const client = await cli.client();
    const auth = await registryAuth(cli, indexOf(term));
    const found = await client.json<SearchItem[]>('GET', '/images/search', {
      query: { term, limit: flags.limit || undefined, filters: filtersQuery(flags.filter) },
      headers: auth === undefined ? {} : { 'X-Registry-Auth': auth },
    });
    const json = flags.format === 'json' || /\{\{ *json \. *\}\}/.test(flags.format);
    const rows = found.map((item) => searchRow(item, { truncate: !flags['no-trunc'], json }));
    cli.out.print(formatList(rows, flags.format, false, style));
  },
});

/** The registry that a term names, as an image would. */
function indexOf(term: string): string {
  const first = term.includes('/') ? (term.split('/')[0] ?? '') : '';
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return isHost && !['docker.io', 'index.docker.io'].includes(first) ? first : 'docker.io';
}

const longestDescription = 45;

function searchRow(item: SearchItem, { truncate, json }: { truncate: boolean; json: boolean }): Row {
  const description = item.description.replace(/[\n\r]/g, ' ');
  const isLong = truncate && [...description].length > longestDescription;
  return createRow('*registry.searchContext', {
    Name: () => item.name,
    Description: () => (isLong ? `${[...description].slice(0, longestDescription - 1).join('')}…` : description),
    StarCount: () => String(item.star_count),
    IsOfficial: () => (json ? String(item.is_official) : item.is_official ? '[OK]' : ''),
  });
}
