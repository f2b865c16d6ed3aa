import { invalidArgument } from '@wharf/base/error';

export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Descriptors that systemd opened; '' and `*` are all of them. */
  | { readonly kind: 'fd'; readonly which: string };

/** One `-H`. */
export function parseListenAddress(text: string, options: { tls: boolean }): ListenAddress {
  const match = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(text.trim())!;
  const [, scheme = 'tcp', rest = ''] = match;
  if (scheme === 'unix') {
    if (!rest.startsWith('/'))
      throw invalidArgument(`invalid bind address (${text}): the socket's path must be absolute`);
    return { kind: 'unix', path: rest };
  }
  if (scheme === 'fd') return { kind: 'fd', which: rest };
  if (scheme !== 'tcp') throw invalidArgument(`invalid bind address (${text}): unsupported proto ${scheme}`);
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]*))(?::(\d{1,5}))?\/?$/.exec(rest);
  if (!parts) throw invalidArgument(`invalid bind address (${text}): malformed tcp address`);
  const port = parts[3] === undefined ? (options.tls ? 2376 : 2375) : Number(parts[3]);
  if (port > 65535) throw invalidArgument(`invalid bind address (${text}): invalid port`);
  return { kind: 'tcp', host: (parts[1] ?? parts[2]) || 'localhost', port };
}
