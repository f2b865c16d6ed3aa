import { EngineError, notImplemented } from '@wharf/base/error';
import { type Address, formatAddress, isUnspecified, parseAddress } from '../address.ts';
import type { LiveSandbox, NetworkContext } from '../context.ts';
import { parseBridgeOptions } from '../drivers/bridge-options.ts';
import type { FirewallPort } from '../firewall/ruleset.ts';
import { findNetwork } from '../networks/find-network.ts';
import type { StoredEndpoint, StoredPort } from '../records.ts';
import { formatHostPort, type HeldPort, type PortFailure } from './port-allocator.ts';
import { findPortOwner } from './port-owner.ts';
import { type PublishRequest, parsePublishRequests } from './publish-request.ts';

const unspecified = { 4: { family: 4, value: 0n }, 6: { family: 6, value: 0n } } as const satisfies Record<
  4 | 6,
  Address
>;

/** Holds the ports that a sandbox asks for on its gateway endpoint. Undoes itself on a throw. */
export function holdPorts(
  context: NetworkContext,
  request: LiveSandbox['record']['request'],
  endpoint: StoredEndpoint,
): { held: HeldPort[]; ports: StoredPort[] } {
  const { options } = findNetwork(context, endpoint.networkId);
  const { hostBinding, modes } = parseBridgeOptions(options);
  const held: HeldPort[] = [];
  const ports: StoredPort[] = [];
  try {
    for (const wish of parsePublishRequests(request)) {
      let chosen: number | undefined;
      for (const address of addressesFor(wish, endpoint, hostBinding)) {
        const { transport, containerPort } = wish;
        if (modes[address.family] === 'routed') {
          const all = formatAddress(unspecified[address.family]);
          ports.push({ transport, containerPort, hostPort: 0, hostAddress: all });
          continue;
        }
        const port = holdOne(context, { wish, address, chosen, endpoint });
        held.push(port);
        // Both families get the same port.
        chosen = port.port;
        ports.push({ transport, containerPort, hostPort: port.port, hostAddress: formatAddress(address) });
      }
    }
    return { held, ports };
  } catch (error) {
    for (const port of held) context.ports.release(port);
    throw error;
  }
}

function addressesFor(wish: PublishRequest, endpoint: StoredEndpoint, hostBinding: Address | undefined): Address[] {
  const families = ([4, 6] as const).filter((family) => (family === 4 ? endpoint.ipv4 : endpoint.ipv6) !== undefined);
  if (wish.hostAddress) {
    if (families.some((family) => family === wish.hostAddress?.family)) return [wish.hostAddress];
    throw notImplemented(`publishing an IPv${wish.hostAddress.family} address of the host to a container without one`);
  }
  if (hostBinding && !isUnspecified(hostBinding)) return [hostBinding];
  return families.map((family) => unspecified[family]);
}

interface OneHold {
  readonly wish: PublishRequest;
  readonly address: Address;
  readonly chosen: number | undefined;
  readonly endpoint: StoredEndpoint;
}

function holdOne({ ports }: NetworkContext, { wish, address, chosen, endpoint }: OneHold): HeldPort {
  const { first, last } =
    chosen === undefined ? (wish.hostPorts ?? { first: 0, last: 0 }) : { first: chosen, last: chosen };
  const outcome = ports.hold({ transport: wish.transport, address, first, last, holder: endpoint.containerName });
  if (!('kind' in outcome)) return outcome;
  const what = `driver failed programming external connectivity on endpoint ${endpoint.containerName} (${endpoint.id})`;
  throw new EngineError('internal', `${what}: ${describe(outcome, { wish, address, chosen, endpoint })}`, {
    reason: 'port_in_use',
  });
}

function describe(failure: PortFailure, { wish, address, endpoint }: OneHold): string {
  const host = formatHostPort(address, failure.port);
  const target = parseAddress((address.family === 4 ? endpoint.ipv4 : endpoint.ipv6) ?? '');
  const mapping = `${host}:${target ? formatHostPort(target, wish.containerPort) : wish.containerPort}/${wish.transport}`;
  switch (failure.kind) {
    case 'allocated':
      return `Bind for ${host} failed: port is already allocated (by container "${failure.holder}")`;
    case 'in_use':
      return `failed to bind host port for ${mapping}: address already in use${ownerText(wish.transport, failure.port)}`;
    case 'no_address':
      return `failed to bind host port for ${mapping}: cannot assign requested address`;
  }
}

function ownerText(transport: PublishRequest['transport'], port: number): string {
  const owner = findPortOwner(transport, port);
  return owner ? ` (by process "${owner.name}", pid ${owner.pid})` : '';
}

/** The packet rules of held ports. */
export function firewallPorts(ports: readonly StoredPort[], endpoint: StoredEndpoint): FirewallPort[] {
  const targets = { 4: parseAddress(endpoint.ipv4 ?? ''), 6: parseAddress(endpoint.ipv6 ?? '') };
  return [...Map.groupBy(ports, ({ hostAddress }) => hostAddress)].flatMap(([text, members]) => {
    const address = parseAddress(text);
    const target = address && targets[address.family];
    if (!target) return [];
    const bound = isUnspecified(address) ? {} : { hostAddress: address };
    return members.map(({ transport, containerPort, hostPort }) => {
      return { transport, hostPort, target, targetPort: containerPort, ...bound };
    });
  });
}
