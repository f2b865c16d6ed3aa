import { createRow, type Row } from '@wharf/base/template/row';
import type { Cli } from '../../cli.ts';
import { type ContextMeta, listContexts } from '../../context/context-store.ts';
import { currentContextName, defaultEndpoint } from '../../context/endpoint.ts';
import { listFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { formatList, type ListStyle } from '../../format/list.ts';
import { byNaturalOrder } from '../../format/natural-order.ts';
import { ellipsis } from '../../format/units.ts';
import { defineCommand, noArgs } from '../command.ts';

const style: ListStyle = {
  headers: { Current: '', Name: 'NAME', Description: 'DESCRIPTION', DockerEndpoint: 'DOCKER ENDPOINT', Error: 'ERROR' },
  table: '{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}',
  quiet: '{{.Name}}',
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { format: listFormat, quiet: bool('Show names only', { short: 'q' }) },
  async run(cli, { format, quiet }) {
    const current = await currentContextName(cli);
    const stored = await listContexts(cli.configDirectory);
    const rows = [await defaultRow(cli, current), ...stored.map((meta) => contextRow(meta, current))];
    if (!['default', ...stored.map(({ Name }) => Name)].includes(current)) rows.push(missingRow(current));
    rows.sort((a, b) => byNaturalOrder(String(a.fields.Name?.()), String(b.fields.Name?.())));
    cli.out.print(formatList(rows, format, quiet, style));
    if (!quiet && cli.environment.host !== undefined && cli.globals.host.length === 0 && cli.globals.context === '') {
      cli.err.print(
        'Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable.\n',
      );
    }
  },
});

async function defaultRow(cli: Cli, current: string): Promise<Row> {
  const { address } = await defaultEndpoint(cli);
  return row('default', 'Current DOCKER_HOST based configuration', address.text, current, '');
}

function contextRow({ Name, Metadata, Endpoints }: ContextMeta, current: string): Row {
  return row(Name, String(Metadata.Description ?? ''), Endpoints.docker?.Host ?? '', current, '');
}

function missingRow(name: string): Row {
  return row(name, '', '', name, 'context not found');
}

function row(name: string, description: string, endpoint: string, current: string, error: string): Row {
  return createRow('*formatter.clientContextContext', {
    Current: () => name === current,
    Name: () => name,
    Description: () => ellipsis(description, 60),
    DockerEndpoint: () => endpoint,
    Error: () => ellipsis(error, 45),
  });
}
