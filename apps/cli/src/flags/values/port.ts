import type { PortBinding } from '@wharf/api/network';
import { isIP } from '../../ip.ts';
import { cut } from '../parse.ts';
import { UsageError } from '../usage-error.ts';

export interface PublishedPorts {
  readonly exposed: Record<string, object>;
  readonly bindings: Record<string, PortBinding[]>;
}

/** `[ip:][host[-range]:]container[-range][/protocol]`, or `published=..,target=..,protocol=..`, of all `-p`. */
export function parsePublished(specs: readonly string[]): PublishedPorts {
  const ports: PublishedPorts = { exposed: {}, bindings: {} };
  for (const spec of specs) {
    for (const { key, binding } of parsePublish(spec.includes('=') ? shortForm(spec) : spec)) {
      ports.exposed[key] = {};
      ports.bindings[key] ??= [];
      ports.bindings[key].push(binding);
    }
  }
  return ports;
}

/** `80`, `80/udp` or `8000-8010/tcp` of `--expose`, one key a port. */
export function parseExpose(spec: string): string[] {
  if (spec.includes(':')) throw new UsageError(`invalid port format for --expose: ${spec}`);
  const [port, protocol = 'tcp'] = cut(spec, '/');
  const invalid = (reason: string) => new UsageError(`invalid range format for --expose: ${spec}, error: ${reason}`);
  const [first, last] = parseRange(port, invalid);
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol.toLowerCase()}`);
}

function shortForm(spec: string): string {
  const parameters = new Map([['protocol', 'tcp']]);
  for (const parameter of spec.split(',')) {
    const [key, value] = cut(parameter, '=');
    if (value === undefined) {
      throw new UsageError(`invalid publish opts format (should be name=value but got '${parameter}')`);
    }
    parameters.set(key, value);
  }
  return `${parameters.get('published') ?? ''}:${parameters.get('target') ?? ''}/${parameters.get('protocol')}`;
}

function parsePublish(spec: string): { key: string; binding: PortBinding }[] {
  const { ip, host, container } = splitSpec(spec);
  const [containerPort, protocolText] = cut(container, '/');
  const protocol = (protocolText || 'tcp').toLowerCase();
  if (containerPort === '') throw new UsageError(`no port specified: ${spec}<empty>`);
  const [first, last] = parseRange(containerPort, () => new UsageError(`invalid containerPort: ${containerPort}`));
  const [hostFirst, hostLast] =
    host === '' ? [0, 0] : parseRange(host, () => new UsageError(`invalid hostPort: ${host}`));
  const hostRange = hostLast - hostFirst;
  if (host !== '' && hostRange !== last - first && first !== last) {
    throw new UsageError(`invalid ranges specified for container and host Ports: ${containerPort} and ${host}`);
  }
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw new UsageError(`invalid proto: ${protocolText}`);
  const result: { key: string; binding: PortBinding }[] = [];
  for (let port = first; port <= last; port++) {
    let HostPort = host === '' ? '' : String(hostFirst + port - first);
    // One container port over a range: the daemon picks a free one of it.
    if (first === last && hostRange > 0) HostPort = `${hostFirst}-${hostLast}`;
    result.push({ key: `${port}/${protocol}`, binding: { HostIp: ip, HostPort } });
  }
  return result;
}

function splitSpec(spec: string): { ip: string; host: string; container: string } {
  const parts = spec.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  const given = parts.join(':');
  const ip = given.replace(/^\[(.*)\]$/, '$1');
  if (given !== '' && !isIP(ip.replace(/%.*$/, ''))) throw new UsageError(`invalid IP address: ${given}`);
  return { ip, host, container };
}

function parseRange(text: string, invalid: (reason: string) => Error): [first: number, last: number] {
  const [from, to = from] = cut(text, '-');
  const syntax = (part: string) => invalid(`strconv.ParseUint: parsing ${JSON.stringify(part)}: invalid syntax`);
  if (!/^\d+$/.test(from)) throw syntax(from);
  if (!/^\d+$/.test(to)) throw syntax(to);
  const [first, last] = [Number(from), Number(to)];
  if (first > 65535 || last > 65535) throw invalid('value out of range');
  if (last < first) throw invalid(`invalid range specified for port: ${text}`);
  return [first, last];
}
