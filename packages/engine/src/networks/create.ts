import type { NetworkCreateRequest, NetworkCreateResponse } from '@wharf/api/network';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { NetworkSpec } from '@wharf/network/networking';
import type { NetworkDeps } from './network-deps.ts';
import { publishNetwork } from './network-events.ts';

const predefinedNames = ['bridge', 'host', 'none', 'default'];

/** Makes a user-defined network. */
export async function createNetwork(
  { networking, events }: NetworkDeps,
  request: NetworkCreateRequest,
): Promise<NetworkCreateResponse> {
  const spec = parseRequest(request);
  const { id, warnings } = await networking.createNetwork(spec);
  publishNetwork(events, { ...spec, id }, 'create');
  return { Id: id, Warning: warnings.join('\n') };
}

function parseRequest(request: NetworkCreateRequest): NetworkSpec {
  const { Name, Driver, Scope, IPAM, ConfigFrom } = request;
  if (Name.trim() === '') throw invalidArgument('invalid network name: name is empty');
  if (predefinedNames.includes(Name)) {
    throw new EngineError('permission_denied', `operation is not permitted on predefined ${Name} network`);
  }
  if (Scope === 'swarm' || request.Ingress) throw notSwarmManager();
  if (Driver === 'host' || Driver === 'null') {
    throw new EngineError('permission_denied', `only one instance of "${Driver}" network is allowed`);
  }
  const enableIPv4 = request.EnableIPv4 ?? true;
  const enableIPv6 = request.EnableIPv6 ?? false;
  if (!enableIPv4 && !enableIPv6) throw invalidArgument('IPv4 or IPv6 must be enabled');
  return {
    name: Name,
    driver: Driver === '' ? 'bridge' : Driver,
    internal: request.Internal,
    attachable: request.Attachable,
    ingress: request.Ingress,
    enableIPv4,
    enableIPv6,
    ipam: { Driver: IPAM?.Driver || 'default', Options: IPAM?.Options ?? null, Config: IPAM?.Config ?? [] },
    options: request.Options ?? {},
    labels: request.Labels ?? {},
    configOnly: request.ConfigOnly,
    ...(ConfigFrom?.Network ? { configFrom: ConfigFrom.Network } : {}),
  };
}

function notSwarmManager(): EngineError {
  return new EngineError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
}
