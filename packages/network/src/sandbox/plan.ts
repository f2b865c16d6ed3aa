import type { EndpointSettings } from '@wharf/api/network';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { parseAddress, prefixContains } from '../address.ts';
import type { NetworkContext } from '../context.ts';
import { networkSubnets } from '../ipam/network-subnets.ts';
import type { SandboxRequest } from '../networking.ts';
import { findNetwork } from '../networks/find-network.ts';
import { parsePublishRequests } from '../ports/publish-request.ts';
import type { StoredNetwork } from '../records.ts';
import { networkSysctlPath, parseInterfaceSysctls } from '../sysctl.ts';
import { endpointSysctls } from './attach.ts';

export interface PlannedEndpoint {
  readonly network: StoredNetwork;
  readonly settings: EndpointSettings;
}

export type SandboxPlan =
  | { readonly kind: 'container'; readonly containerId: string }
  | { readonly kind: 'host' | 'own'; readonly endpoints: readonly PlannedEndpoint[] };

export const emptySettings: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

/** Checks all that a sandbox asks for before anything is touched. */
export function planSandbox(context: NetworkContext, request: SandboxRequest): SandboxPlan {
  const mode = request.networkMode;
  parsePublishRequests(request);
  for (const name of Object.keys(request.sysctls)) if (name.startsWith('net.')) networkSysctlPath(name);
  if (mode.startsWith('container:')) return { kind: 'container', containerId: mode.slice('container:'.length) };
  const asked = Object.entries(request.endpoints).map(([name, settings]) => ({
    network: findNetwork(context, name === 'default' ? modeNetwork(context, name) : name),
    settings,
  }));
  // A container may have been moved to other networks than that of its mode before it started.
  const endpoints =
    asked.length > 0 ? asked : [{ network: findNetwork(context, modeNetwork(context, mode)), settings: emptySettings }];
  const first = endpoints.findIndex(({ network: { id, name } }) => mode === name || mode === id);
  if (first > 0) endpoints.unshift(...endpoints.splice(first, 1));
  for (const endpoint of endpoints) checkSettings(endpoint);
  checkCombination(endpoints);
  return { kind: endpoints[0]?.network.driver === 'host' ? 'host' : 'own', endpoints };
}

/** `default` is the default bridge, or nothing where the daemon has none. */
function modeNetwork({ options }: NetworkContext, mode: string): string {
  if (mode !== '' && mode !== 'default') return mode;
  return options.defaultBridge?.bridge === 'none' ? 'none' : 'bridge';
}

function checkCombination(endpoints: readonly PlannedEndpoint[]): void {
  if (endpoints.length < 2) return;
  if (endpoints.some(({ network }) => network.driver === 'host')) {
    throw invalidArgument('container cannot be disconnected from host network or connected to host network');
  }
  if (endpoints.some(({ network }) => network.driver === 'null')) {
    throw invalidArgument(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
}

/** Throws invalid_argument with every complaint, as Docker lists them. */
export function checkSettings({ network, settings }: PlannedEndpoint): void {
  if (network.configOnly) {
    throw new EngineError('permission_denied', 'cannot create endpoint on configuration-only network');
  }
  parseInterfaceSysctls(settings.DriverOpts?.[endpointSysctls] ?? '');
  const problems = [...addressProblems(network, settings), ...otherProblems(network, settings)];
  if (problems.length === 0) return;
  throw new EngineError(
    'invalid_argument',
    `invalid config for network ${network.name}: invalid endpoint settings:\n${problems.join('\n')}`,
  );
}

function otherProblems(network: StoredNetwork, { Aliases, MacAddress }: EndpointSettings): string[] {
  const problems: string[] = [];
  if (network.predefined && (Aliases ?? []).length > 0) {
    problems.push('network-scoped alias is supported only for containers in user defined networks');
  }
  if (MacAddress && !/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(MacAddress)) {
    problems.push(`invalid MAC address: ${MacAddress}`);
  }
  return problems;
}

function addressProblems(network: StoredNetwork, { IPAMConfig }: EndpointSettings): string[] {
  const wanted = [
    { text: IPAMConfig?.IPv4Address, family: 4 as const },
    { text: IPAMConfig?.IPv6Address, family: 6 as const },
  ].filter(({ text }) => text);
  if (wanted.length === 0) return [];
  if (network.predefined) return ['user specified IP address is supported on user defined networks only'];
  if (!network.userSubnet) {
    return ['user specified IP address is supported only when connecting to networks with user configured subnets'];
  }
  const subnets = networkSubnets(network);
  return wanted.flatMap(({ text = '', family }) => {
    const address = parseAddress(text);
    if (address?.family !== family) return [`invalid IPv${family} address: ${text}`];
    if (subnets.some(({ subnet }) => prefixContains(subnet, address))) return [];
    return [`no configured subnet or ip-range contain the IP address ${text}`];
  });
}
