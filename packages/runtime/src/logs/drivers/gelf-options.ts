import { invalidArgument } from '@wharf/base/error';
import { parseAddress, parsePort } from './address.ts';
import type { Endpoint } from './endpoint.ts';

export interface GelfOptions {
  readonly endpoint: Extract<Endpoint, { kind: 'udp' | 'tcp' }>;
  readonly compression: 'gzip' | 'zlib' | 'none';
  /** zlib's: -1 is its own default. */
  readonly level: number;
  /** Reconnections before a message is given up; undefined is never. */
  readonly maxReconnect: number | undefined;
  readonly reconnectMilliseconds: number;
}

export const gelfOptionNames = [
  'gelf-address',
  'gelf-compression-type',
  'gelf-compression-level',
  'gelf-tcp-max-reconnect',
  'gelf-tcp-reconnect-delay',
];

/** Throws Docker's texts. */
export function parseGelfOptions(options: Readonly<Record<string, string>>): GelfOptions {
  const endpoint = parseEndpoint(options['gelf-address'] ?? '');
  for (const name of ['gelf-compression-type', 'gelf-compression-level']) {
    if (options[name] !== undefined && endpoint.kind !== 'udp')
      throw invalidArgument('compression is only supported on UDP');
  }
  for (const name of ['gelf-tcp-max-reconnect', 'gelf-tcp-reconnect-delay']) {
    if (options[name] !== undefined && endpoint.kind !== 'tcp')
      throw invalidArgument(`"${name}" is only valid for TCP`);
  }
  return {
    endpoint,
    compression: parseCompression(options['gelf-compression-type'] ?? 'gzip'),
    level: parseLevel(options['gelf-compression-level'] ?? '1'),
    maxReconnect: parsePositive('gelf-tcp-max-reconnect', options),
    reconnectMilliseconds: 1000 * (parsePositive('gelf-tcp-reconnect-delay', options) ?? 1),
  };
}

function parseEndpoint(text: string): GelfOptions['endpoint'] {
  if (text === '') throw invalidArgument('gelf-address is a required parameter');
  const { scheme, host, port } = parseAddress(text);
  if (['unix', 'unixgram', 'tcp+tls'].includes(scheme)) throw invalidArgument('gelf: endpoint needs to be TCP or UDP');
  if (scheme !== 'udp' && scheme !== 'tcp') {
    throw invalidArgument(`gelf-address should be in form proto://address, got ${text}`);
  }
  if (port === undefined || port === '') {
    throw invalidArgument('gelf: please provide gelf-address as proto://host:port');
  }
  return { kind: scheme, host: host || 'localhost', port: parsePort(port) };
}

function parseCompression(text: string): GelfOptions['compression'] {
  if (text === 'gzip' || text === 'zlib' || text === 'none') return text;
  throw unknownValue(text, 'gelf-compression-type');
}

function parseLevel(text: string): number {
  if (/^[+-]?\d+$/.test(text) && Number(text) >= -1 && Number(text) <= 9) return Number(text);
  throw unknownValue(text, 'gelf-compression-level');
}

function unknownValue(text: string, name: string): Error {
  return invalidArgument(`unknown value ${JSON.stringify(text)} for log opt "${name}" for gelf log driver`);
}

function parsePositive(name: string, options: Readonly<Record<string, string>>): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (!/^\+?\d{1,9}$/.test(text)) throw invalidArgument(`"${name}" must be a positive integer`);
  return Number(text);
}
