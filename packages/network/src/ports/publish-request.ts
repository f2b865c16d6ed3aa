import type { PortMap } from '@wharf/api/network';
import { invalidArgument } from '@wharf/base/error';
import { type Address, parseAddress } from '../address.ts';

export type PortTransport = 'tcp' | 'udp' | 'sctp';

/** One wish to publish a container's port. */
export interface PublishRequest {
  readonly transport: PortTransport;
  readonly containerPort: number;
  /** Undefined is every address of the host. */
  readonly hostAddress: Address | undefined;
  /** The first free of these; undefined is any port of the host's ephemeral range. */
  readonly hostPorts: { readonly first: number; readonly last: number } | undefined;
}

export interface PublishOptions {
  readonly portBindings: PortMap;
  readonly exposedPorts: readonly string[];
  readonly publishAllPorts: boolean;
}

/** Reads what a container asks for. Throws invalid_argument with Docker's words. */
export function parsePublishRequests({
  portBindings,
  exposedPorts,
  publishAllPorts,
}: PublishOptions): PublishRequest[] {
  const requests = Object.entries(portBindings).flatMap(([port, bindings]) => {
    const target = parsePort(port);
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      ...target,
      hostAddress: parseHostAddress(HostIp),
      hostPorts: parseHostPorts(HostPort),
    }));
  });
  if (!publishAllPorts) return requests;
  const named = new Set(requests.map(({ transport, containerPort }) => `${containerPort}/${transport}`));
  const rest = exposedPorts.map(parsePort).filter((port) => !named.has(formatPort(port)));
  return [...requests, ...rest.map((port) => ({ ...port, hostAddress: undefined, hostPorts: undefined }))];
}

/** `80/tcp`; without a protocol it is tcp. */
function parsePort(text: string): { transport: PortTransport; containerPort: number } {
  const slash = text.indexOf('/');
  const number = slash < 0 ? text : text.slice(0, slash);
  const transport = slash < 0 ? 'tcp' : text.slice(slash + 1);
  const kind = transport.toLowerCase();
  if (kind !== 'tcp' && kind !== 'udp' && kind !== 'sctp') throw invalidArgument(`invalid proto: ${transport}`);
  const containerPort = parsePortNumber(number);
  if (containerPort === undefined || containerPort === 0)
    throw invalidArgument(`invalid port specification: "${text}"`);
  return { transport: kind, containerPort };
}

function formatPort(port: { transport: PortTransport; containerPort: number }): string {
  return `${port.containerPort}/${port.transport}`;
}

function parseHostAddress(text: string): Address | undefined {
  if (text === '') return undefined;
  const address = parseAddress(text.replace(/^\[(.*)\]$/, '$1'));
  if (!address) throw invalidArgument(`invalid IP address: ${text}`);
  // `0.0.0.0` is every IPv4 address, no matter what else the host has; `::` every IPv6 one.
  return address;
}

function parseHostPorts(text: string): PublishRequest['hostPorts'] {
  if (text === '' || text === '0') return undefined;
  const dash = text.indexOf('-');
  const first = parsePortNumber(dash < 0 ? text : text.slice(0, dash));
  const last = dash < 0 ? first : parsePortNumber(text.slice(dash + 1));
  if (first === undefined || last === undefined || first > last || first === 0) {
    throw invalidArgument(`invalid port specification: "${text}"`);
  }
  return { first, last };
}

function parsePortNumber(text: string): number | undefined {
  const number = Number(text);
  return /^\d{1,5}$/.test(text) && number <= 65535 ? number : undefined;
}
