import type { EndpointSettings } from '@wharf/api/network';
import { UsageError } from '../../flags/usage-error.ts';
import { isUserDefined, type NetworkAttachment } from '../../flags/values/network.ts';
import type { ContainerValues } from './create-request.ts';

/** One endpoint a `--network`; `--ip`, `--network-alias` and their like belong to the first. */
export function endpointsOf(
  flags: ContainerValues,
  given: readonly NetworkAttachment[],
): Record<string, Partial<EndpointSettings>> {
  const networks = given.length > 0 ? given : needsEndpoint(flags) ? [defaultNetwork] : [];
  const endpoints: Record<string, Partial<EndpointSettings>> = {};
  networks.forEach((network, at) => {
    const settings = endpointSettings(at === 0 ? withContainerFlags(network, flags) : network);
    if (Object.hasOwn(endpoints, network.target)) {
      throw new UsageError(`network ${JSON.stringify(network.target)} is specified multiple times`);
    }
    // A lone network without options is said by NetworkMode already.
    if (networks.length > 1 || Object.keys(settings).length > 0) endpoints[network.target] = settings;
  });
  const kinds = new Set(networks.map(({ target }) => isUserDefined(target)));
  if (kinds.size > 1) {
    throw new UsageError('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  }
  return endpoints;
}

const defaultNetwork: NetworkAttachment = {
  target: 'default',
  aliases: [],
  links: [],
  driverOpts: {},
  ipv4: '',
  ipv6: '',
  linkLocalIPs: [],
  macAddress: '',
  gwPriority: 0,
};

function needsEndpoint(flags: ContainerValues): boolean {
  return (
    aliasesOf(flags).length > 0 ||
    flags.ip !== '' ||
    flags.ip6 !== '' ||
    flags['link-local-ip'].length > 0 ||
    flags['mac-address'] !== ''
  );
}

function aliasesOf(flags: ContainerValues): string[] {
  return [...flags['network-alias'], ...flags['net-alias']];
}

function withContainerFlags(network: NetworkAttachment, flags: ContainerValues): NetworkAttachment {
  const aliases = aliasesOf(flags);
  const mac = flags['mac-address'];
  conflict(network.aliases.length > 0 && aliases.length > 0, '--network-alias', 'alias');
  conflict(network.links.length > 0 && flags.link.length > 0, '--link', 'links');
  conflict(network.ipv4 !== '' && flags.ip !== '', '--ip', 'IPv4 address');
  conflict(network.ipv6 !== '' && flags.ip6 !== '', '--ip6', 'IPv6 address');
  conflict(
    network.linkLocalIPs.length > 0 && flags['link-local-ip'].length > 0,
    '--link-local-ip',
    'link-local IP addresses',
  );
  conflict(network.macAddress !== '' && mac !== '', '--mac-address', 'MAC address');
  return {
    ...network,
    aliases: aliases.length > 0 ? aliases : network.aliases,
    // Links of the default bridge are HostConfig's.
    links: isUserDefined(network.target) && flags.link.length > 0 ? flags.link : network.links,
    ipv4: flags.ip || network.ipv4,
    ipv6: flags.ip6 || network.ipv6,
    linkLocalIPs: flags['link-local-ip'].length > 0 ? flags['link-local-ip'] : network.linkLocalIPs,
    macAddress: mac || network.macAddress,
  };
}

function conflict(both: boolean, flag: string, option: string): void {
  if (both) throw new UsageError(`conflicting options: cannot specify both ${flag} and per-network ${option}`);
}

function endpointSettings(network: NetworkAttachment): Partial<EndpointSettings> {
  if (network.target.trim() === '') throw new UsageError('no name set for network');
  if (!isUserDefined(network.target)) {
    if (network.aliases.length > 0)
      throw new UsageError('network-scoped aliases are only supported for user-defined networks');
    if (network.links.length > 0) throw new UsageError('links are only supported for user-defined networks');
  }
  const { aliases, links, driverOpts, ipv4, ipv6, linkLocalIPs, macAddress, gwPriority } = network;
  const ipam = {
    ...(ipv4 === '' ? {} : { IPv4Address: ipv4 }),
    ...(ipv6 === '' ? {} : { IPv6Address: ipv6 }),
    ...(linkLocalIPs.length === 0 ? {} : { LinkLocalIPs: [...linkLocalIPs] }),
  };
  return {
    ...(aliases.length === 0 ? {} : { Aliases: [...aliases] }),
    ...(links.length === 0 ? {} : { Links: [...links] }),
    ...(Object.keys(driverOpts).length === 0 ? {} : { DriverOpts: { ...driverOpts } }),
    ...(Object.keys(ipam).length === 0 ? {} : { IPAMConfig: ipam }),
    ...(macAddress === '' ? {} : { MacAddress: macAddress }),
    ...(gwPriority === 0 ? {} : { GwPriority: gwPriority }),
  };
}
