import type { PortMap } from '@wharf/api/network';
import { portKey } from '@wharf/api/port-key';
import { invalidArgument } from '@wharf/base/error';

/** The keys (`80/tcp`, `8000-8010/udp`) and host ports of a port map. Throws `invalid port specification: "x"`. */
export function validatePortBindings(bindings: PortMap): void {
  for (const [key, hosts] of Object.entries(bindings)) {
    const [port = ''] = key.split('/');
    if (!isPort(port)) throw invalidPort(port);
    for (const { HostPort } of hosts ?? []) {
      if (HostPort !== '' && !isPortOrRange(HostPort.split('/')[0]!)) throw invalidPort(HostPort);
    }
  }
}

export function validateExposedPorts(ports: Readonly<Record<string, object>>): void {
  for (const key of Object.keys(ports)) {
    const [port = '', protocol = ''] = portKey(key).split('/');
    if (!isPortOrRange(port)) throw invalidPort(key);
    if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw invalidArgument(`invalid proto: ${protocol}`);
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535;
}

function isPortOrRange(text: string): boolean {
  const [first = '', last = first, ...rest] = text.split('-');
  return rest.length === 0 && isPort(first) && isPort(last) && Number(first) <= Number(last);
}

function invalidPort(text: string): Error {
  return invalidArgument(`invalid port specification: ${JSON.stringify(text)}`);
}
