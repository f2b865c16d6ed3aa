import type { NetworkInspect } from '@wharf/api/network';
import { createRow, type Row } from '@wharf/base/template/row';
import { filter, listFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { joinLabels } from '../../format/container-rows.ts';
import { formatList, type ListStyle } from '../../format/list.ts';
import { byNaturalOrder } from '../../format/natural-order.ts';
import { goTimeOf } from '../../format/time.ts';
import { truncateId } from '../../format/units.ts';
import { defineCommand, noArgs } from '../command.ts';

const style: ListStyle = {
  headers: {
    ID: 'NETWORK ID',
    Name: 'NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    IPv4: 'IPV4',
    IPv6: 'IPV6',
    Internal: 'INTERNAL',
    Labels: 'LABELS',
    CreatedAt: 'CREATED AT',
  },
  table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
  quiet: '{{.ID}}',
  raw: [
    ['network_id', 'ID'],
    ['name', 'Name'],
    ['driver', 'Driver'],
    ['scope', 'Scope'],
  ],
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('"driver=bridge", "name=app", "label=key=value"'),
    format: listFormat,
    'no-trunc': bool("Don't shorten ids"),
    quiet: bool('Show ids only', { short: 'q' }),
  },
  async run(cli, flags) {
    const client = await cli.client();
    const format = flags.format || (flags.quiet ? '' : ((await cli.config()).networksFormat ?? ''));
    const networks = await client.json<NetworkInspect[]>('GET', '/networks', {
      query: { filters: filtersQuery(flags.filter) },
    });
    networks.sort((a, b) => byNaturalOrder(a.Name, b.Name));
    const rows = networks.map((network) => networkRow(network, !flags['no-trunc']));
    cli.out.print(formatList(rows, format, flags.quiet, style));
  },
});

function networkRow(network: NetworkInspect, truncate: boolean): Row {
  const { Id, Name, Driver, Scope, EnableIPv4 = false, EnableIPv6, Internal, Labels, Created } = network;
  return createRow('*network.networkContext', {
    ID: () => (truncate ? truncateId(Id) : Id),
    Name: () => Name,
    Driver: () => Driver,
    Scope: () => Scope,
    IPv4: () => String(EnableIPv4),
    IPv6: () => String(EnableIPv6),
    Internal: () => String(Internal),
    Labels: () => joinLabels(Labels),
    Label: (name) => Labels?.[String(name)] ?? '',
    CreatedAt: () => goTimeOf(Created),
  });
}
