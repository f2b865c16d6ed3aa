import { int, list, strings, text } from '../../flags/flag.ts';
import { checkLink } from '../../flags/values/checks.ts';
import { parseDriverOpt } from '../../flags/values/network.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  args: exactly(2),
  complete: ['network', 'container'],
  flags: {
    alias: strings('Further name on the network', { complete: 'none' }),
    'driver-opt': strings('Option of the network driver (key=value)', { complete: 'none' }),
    'gw-priority': int('The highest of all networks provides the default gateway'),
    ip: text('IPv4 address (e.g. 172.30.100.104)', { complete: 'none' }),
    ip6: text('IPv6 address (e.g. 2001:db8::33)', { complete: 'none' }),
    link: list("Reach another container by a name of one's own (container[:alias])", {
      check: checkLink,
      complete: 'container',
    }),
    'link-local-ip': strings('Link-local address', { complete: 'none' }),
  },
  async run(cli, flags, [network = '', Container = '']) {
    const client = await cli.client();
    const driverOpts = Object.assign({}, ...flags['driver-opt'].map(parseDriverOpt));
    const priority = flags['gw-priority'];
    await client.call('POST', `/networks/${segment(network)}/connect`, {
      body: {
        Container,
        EndpointConfig: {
          IPAMConfig: { IPv4Address: flags.ip, IPv6Address: flags.ip6, LinkLocalIPs: [...flags['link-local-ip']] },
          Links: [...flags.link],
          Aliases: [...flags.alias],
          DriverOpts: driverOpts,
          ...(priority === 0 ? {} : { GwPriority: priority }),
        },
      },
    });
  },
});
