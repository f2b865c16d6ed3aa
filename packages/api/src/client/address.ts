import { invalidArgument } from '@wharf/base/error';

/** Where a daemon listens. */
export type DaemonAddress =
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }
  | { readonly kind: 'tcp'; readonly hostname: string; readonly port: number; readonly text: string };

/**
 * Parses a `DOCKER_HOST` value: `unix:///path`, `tcp://host[:port]`, `http[s]://host[:port]`, or `host:port`.
 * A tcp address without a port takes `defaultPort` (2375 clear, 2376 with TLS).
 */
export function parseAddress(text: string, defaultPort = 2375): DaemonAddress {
  const trimmed = text.trim();
  const separator = trimmed.indexOf('://');
  const scheme = separator < 0 ? 'tcp' : trimmed.slice(0, separator);
  const rest = separator < 0 ? trimmed : trimmed.slice(separator + 3);
  switch (scheme) {
    case 'unix':
      return { kind: 'unix', path: rest || '/var/run/docker.sock', text: `unix://${rest || '/var/run/docker.sock'}` };
    case 'tcp':
    case 'http':
    case 'https':
      return tcpAddress(rest, text, defaultPort);
    case 'ssh':
      throw invalidArgument(
        `ssh:// addresses are not supported by wharf yet (${text}): forward the socket with "ssh -L" and use unix:// or tcp://`,
      );
    default:
      throw invalidArgument(`invalid bind address (${text}): unsupported proto '${scheme}'`);
  }
}

function tcpAddress(rest: string, text: string, defaultPort: number): DaemonAddress {
  const match = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest);
  if (!match) throw invalidArgument(`invalid bind address format: ${text}`);
  const port = match[2] === undefined ? defaultPort : Number(match[2]);
  if (port > 65535) throw invalidArgument(`invalid bind address (${text}): invalid port: ${match[2]}`);
  const hostname = (match[1] || '127.0.0.1').replace(/^\[|\]$/g, '');
  const shown = hostname.includes(':') ? `[${hostname}]` : hostname;
  return { kind: 'tcp', hostname, port, text: `tcp://${shown}:${port}` };
}
