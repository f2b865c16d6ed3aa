import { invalidArgument } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { timestamp } from '@wharf/base/timestamp';
import { linkByName } from '@wharf/sys/netlink/link';
import { listAddresses } from '@wharf/sys/netlink/route';
import {
  addressFromBytes,
  formatAddress,
  formatPrefix,
  parseInterface,
  prefixesOverlap,
  prefixOf,
} from '../address.ts';
import type { NetworkContext } from '../context.ts';
import { linkName } from '../drivers/bridge.ts';
import { linkOwner } from '../drivers/link-owner.ts';
import { withHostLock } from '../host-lock.ts';
import { allocateSubnets } from '../ipam/allocate-subnets.ts';
import { defaultBridgeRegions } from '../ipam/default-pools.ts';
import { networkSubnets } from '../ipam/network-subnets.ts';
import type { StoredNetwork } from '../records.ts';
import { driverOf } from './find-network.ts';
import { hostRoutes } from './host-routes.ts';

/** Records the networks that always exist, and settles the default bridge's link and subnet. */
export async function ensurePredefined(context: NetworkContext): Promise<void> {
  ensureEmpty(context, 'host');
  ensureEmpty(context, 'none');
  const present = findPredefined(context, 'bridge');
  if (context.options.defaultBridge?.bridge === 'none') {
    if (present) context.networks.delete(present.id);
    return;
  }
  if (present && !canStay(context, present)) {
    await driverOf(context, present.driver).remove(present);
    await context.remover.settled(linkName(present));
  }
  withHostLock(() => {
    const network = present && canStay(context, present) ? present : planDefaultBridge(context, present);
    context.networks.put(network.id, network);
    driverOf(context, network.driver).ensure(network);
  });
}

function findPredefined({ networks }: NetworkContext, name: string): StoredNetwork | undefined {
  for (const network of networks.values()) if (network.predefined && network.name === name) return network;
  return undefined;
}

function ensureEmpty(context: NetworkContext, name: 'host' | 'none'): void {
  if (findPredefined(context, name)) return;
  const network = predefined(name, name === 'none' ? 'null' : name);
  context.networks.put(network.id, network);
}

function predefined(name: string, driver: string): StoredNetwork {
  return {
    id: newId(),
    name,
    driver,
    created: timestamp(),
    scope: 'local',
    internal: false,
    attachable: false,
    ingress: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: { Driver: 'default', Options: null, Config: [] },
    options: {},
    labels: {},
    configOnly: false,
    predefined: true,
    userSubnet: false,
  };
}

function canStay(context: NetworkContext, network: StoredNetwork): boolean {
  return isUsed(context, network) || stillFits(context, network);
}

/** Containers that run on through a restart keep their bridge, whatever the options say now. */
function isUsed({ sandboxes }: NetworkContext, { id }: StoredNetwork): boolean {
  return [...sandboxes.values()].some(({ endpoints }) => endpoints.some(({ networkId }) => networkId === id));
}

/** False where the options changed, or where another daemon took the link or the subnet while we were down. */
function stillFits(context: NetworkContext, network: StoredNetwork): boolean {
  const { options, route, networks } = context;
  const wanted = options.defaultBridge ?? {};
  if (wanted.bridge !== undefined && wanted.bridge !== network.link) return false;
  if (JSON.stringify(network.options) !== JSON.stringify(bridgeOptions(network.link ?? '', wanted))) return false;
  const [current] = networkSubnets(network);
  if (!current) return false;
  const text = bridgeAddress(context, wanted);
  const bip = text === undefined ? undefined : parseInterface(text);
  if (bip && (!current.gateway || formatAddress(bip.address) !== formatAddress(current.gateway))) return false;
  if (network.enableIPv6 !== (wanted.ipv6 ?? false) || !fitsIPv6(network, wanted)) return false;
  const link = linkByName(route, network.link ?? '');
  if (link) return link.alias === linkOwner(options.execRoot) || wanted.bridge !== undefined;
  const others = [...networks.values()].filter(({ id }) => id !== network.id).flatMap(networkSubnets);
  return ![...hostRoutes(route), ...others.map(({ subnet }) => subnet)].some((taken) =>
    prefixesOverlap(taken, current.subnet),
  );
}

function fitsIPv6({ ipam }: StoredNetwork, wanted: DefaultBridge): boolean {
  const [named] = namedIPv6Subnet(wanted);
  const current = ipam.Config.find(({ Subnet }) => Subnet?.includes(':'));
  if (!named) return true;
  if (!current) return false;
  return (
    current.Subnet === named.Subnet &&
    (!named.Gateway || current.Gateway === named.Gateway) &&
    current.IPRange === named.IPRange
  );
}

function planDefaultBridge(context: NetworkContext, before: StoredNetwork | undefined): StoredNetwork {
  const { options, route, networks } = context;
  const wanted = options.defaultBridge ?? {};
  const link = wanted.bridge ?? freeLinkName(context);
  const others = [...networks.values()].filter(({ id }) => id !== before?.id).flatMap(networkSubnets);
  const { config } = allocateSubnets({
    ipam: {
      Driver: 'default',
      Options: null,
      Config: [...namedSubnet('bip', bridgeAddress(context, wanted), wanted), ...namedIPv6Subnet(wanted)],
    },
    enableIPv4: true,
    enableIPv6: wanted.ipv6 ?? false,
    regions: options.addressPools ?? defaultBridgeRegions,
    networks: others.map(({ subnet }) => subnet),
    routes: hostRoutes(route),
  });
  return {
    ...predefined('bridge', 'bridge'),
    ...(before ? { id: before.id, created: before.created } : {}),
    enableIPv6: wanted.ipv6 ?? false,
    ipam: { Driver: 'default', Options: null, Config: config },
    options: bridgeOptions(link, wanted),
    link,
  };
}

/** The gateway and subnet that are given: by --bip, or by the bridge that --bridge names where it is another's. */
function bridgeAddress({ route, options }: NetworkContext, { bip, bridge }: DefaultBridge): string | undefined {
  if (bip !== undefined || bridge === undefined) return bip;
  const link = linkByName(route, bridge);
  if (!link || link.alias === linkOwner(options.execRoot)) return undefined;
  const own = listAddresses(route).find(({ index, address }) => index === link.index && address.length === 4);
  return own && `${formatAddress(addressFromBytes(own.address))}/${own.length}`;
}

function namedIPv6Subnet({
  ipv6,
  bip6,
  fixedCidrV6,
  defaultGatewayV6,
}: DefaultBridge): StoredNetwork['ipam']['Config'] {
  if (!ipv6) return [];
  return namedSubnet('bip6', bip6, {
    ...(fixedCidrV6 && { fixedCidr: fixedCidrV6 }),
    ...(defaultGatewayV6 && { defaultGateway: defaultGatewayV6 }),
  });
}

function namedSubnet(
  key: 'bip' | 'bip6',
  bip: string | undefined,
  { fixedCidr, defaultGateway }: Pick<DefaultBridge, 'fixedCidr' | 'defaultGateway'>,
): StoredNetwork['ipam']['Config'] {
  if (bip === undefined) {
    if (fixedCidr === undefined) return [];
    return [{ Subnet: fixedCidr, ...(defaultGateway ? { Gateway: defaultGateway } : {}) }];
  }
  const parsed = parseInterface(bip);
  if (!parsed) throw invalidArgument(`invalid ${key}: invalid CIDR address: ${bip}`);
  return [
    {
      Subnet: formatPrefix(prefixOf(parsed.address, parsed.length)),
      Gateway: formatAddress(parsed.address),
      ...(fixedCidr === undefined ? {} : { IPRange: fixedCidr }),
    },
  ];
}

type DefaultBridge = NonNullable<NetworkContext['options']['defaultBridge']>;

/** As dockerd shows them in inspect. */
function bridgeOptions(
  link: string,
  { icc, ipMasquerade, publishAddress, mtu }: DefaultBridge,
): Record<string, string> {
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': String(icc ?? true),
    'com.docker.network.bridge.enable_ip_masquerade': String(ipMasquerade ?? true),
    'com.docker.network.bridge.host_binding_ipv4': publishAddress ?? '0.0.0.0',
    'com.docker.network.bridge.name': link,
    'com.docker.network.driver.mtu': String(mtu ?? 1500),
  };
}

function freeLinkName({ route }: NetworkContext): string {
  for (let number = 0; ; number++) {
    const name = `wharf${number}`;
    if (!linkByName(route, name)) return name;
  }
}
