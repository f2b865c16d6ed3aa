import { invalidArgument } from '@wharf/base/error';

/** A receiver's address as Go's url.Parse takes it apart. */
export interface Address {
  /** '' where none is written. */
  readonly scheme: string;
  readonly host: string;
  /** undefined where none is written. */
  readonly port: string | undefined;
  readonly path: string;
}

export function parseAddress(text: string): Address {
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/]*)(.*)$/i.exec(text)!;
  const [, scheme = '', authority = '', path = ''] = match;
  return { scheme: scheme.toLowerCase(), ...splitHostPort(authority), path };
}

function splitHostPort(authority: string): Pick<Address, 'host' | 'port'> {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(authority);
  if (bracketed) return { host: bracketed[1]!, port: bracketed[2] };
  const colons = authority.split(':').length - 1;
  if (colons > 1) throw invalidArgument(`address ${authority}: too many colons in address`);
  const [host = '', port] = authority.split(':');
  return { host, port };
}

/** A port as a number. */
export function parsePort(text: string): number {
  if (!/^\d+$/.test(text))
    throw invalidArgument(`invalid port: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > 65535) {
    throw invalidArgument(`invalid port: strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return Number(text);
}
