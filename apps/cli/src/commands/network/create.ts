import type { NetworkCreateResponse } from '@wharf/api/network';
import { atLeast, parseApiVersion } from '@wharf/api/version';
import { bool, isChanged, list, strings, text } from '../../flags/flag.ts';
import { checkLabel, toMap } from '../../flags/key-values.ts';
import { defineCommand, exactly } from '../command.ts';
import { ipamConfigs } from './ipam.ts';

const map = { kind: 'map', shown: 'map[]', complete: 'none' } as const;

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK',
  args: exactly(1),
  complete: ['none'],
  flags: {
    attachable: bool('Let containers connect by hand'),
    'aux-address': list('Address of the subnet that something else uses (name=address)', map),
    'config-from': text('Network to copy the configuration from', { complete: 'network' }),
    'config-only': bool('Make a configuration for other networks, not a network'),
    driver: text('Network driver', {
      short: 'd',
      initial: 'bridge',
      complete: ['bridge', 'host', 'ipvlan', 'macvlan', 'none', 'overlay'],
    }),
    gateway: strings('Gateway of the subnet', { complete: 'none' }),
    ingress: bool("Make the swarm's routing-mesh network"),
    internal: bool('No way out of the network'),
    'ip-range': strings('Part of the subnet that containers get addresses of', { complete: 'none' }),
    'ipam-driver': text('Driver of address management', { initial: 'default' }),
    'ipam-opt': list('Option of the address management driver (key=value)', map),
    ipv4: bool('Give IPv4 addresses', { initial: true }),
    ipv6: bool('Give IPv6 addresses'),
    label: list('Set a label (key=value)', { check: checkLabel, complete: 'none' }),
    opt: list('Option of the network driver (key=value)', { short: 'o', ...map }),
    scope: text('Scope of the network', { complete: ['local', 'swarm'] }),
    subnet: strings('Subnet in CIDR form', { complete: 'none' }),
  },
  async run(cli, flags, [Name = '']) {
    const client = await cli.client();
    // From 1.44 on the daemon always checks.
    const version = parseApiVersion(await client.version());
    const Config = ipamConfigs({
      subnets: flags.subnet,
      ranges: flags['ip-range'],
      gateways: flags.gateway,
      auxiliary: toMap(flags['aux-address']),
    });
    const { Id, Warning } = await client.json<NetworkCreateResponse>('POST', '/networks/create', {
      body: {
        Name,
        ...(version && !atLeast(version, 44) ? { CheckDuplicate: true } : {}),
        Driver: flags.driver,
        Options: toMap(flags.opt),
        IPAM: { Driver: flags['ipam-driver'], Config, Options: toMap(flags['ipam-opt']) },
        Internal: flags.internal,
        Ingress: flags.ingress,
        Attachable: flags.attachable,
        ConfigOnly: flags['config-only'],
        Scope: flags.scope,
        Labels: toMap(flags.label),
        ...(isChanged(flags, 'ipv4') ? { EnableIPv4: flags.ipv4 } : {}),
        ...(isChanged(flags, 'ipv6') ? { EnableIPv6: flags.ipv6 } : {}),
        ...(flags['config-from'] === '' ? {} : { ConfigFrom: { Network: flags['config-from'] } }),
      },
    });
    if (Warning) cli.err.print(`WARNING: ${Warning}\n`);
    cli.out.print(`${Id}\n`);
  },
});
