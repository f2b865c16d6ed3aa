import { existsSync } from 'node:fs';
import { invalidArgument } from '@wharf/base/error';
import { parseAddress, parsePort } from './address.ts';
import type { Endpoint } from './endpoint.ts';

export type SyslogFormat = 'unix' | 'rfc3164' | 'rfc5424' | 'rfc5424micro';

export interface SyslogOptions {
  /** undefined is the host's own syslog. */
  readonly endpoint: Endpoint | undefined;
  readonly facility: number;
  readonly format: SyslogFormat;
}

export const syslogOptionNames = [
  'syslog-address',
  'syslog-facility',
  'syslog-tls-ca-cert',
  'syslog-tls-cert',
  'syslog-tls-key',
  'syslog-tls-skip-verify',
  'syslog-format',
];

/** RFC 5424, 6.2.1, by the names of syslog(3). */
const facilities: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
};

const defaultPort = '514';

/** As `parseSyslogOptions`, and the socket must be there. */
export function checkSyslogOptions(options: Readonly<Record<string, string>>): void {
  const { endpoint } = parseSyslogOptions(options);
  if (endpoint && 'path' in endpoint && !existsSync(endpoint.path)) {
    throw invalidArgument(`stat ${endpoint.path}: no such file or directory`);
  }
}

/** Throws Docker's texts. */
export function parseSyslogOptions(options: Readonly<Record<string, string>>): SyslogOptions {
  return {
    endpoint: parseEndpoint(options),
    facility: parseFacility(options['syslog-facility'] ?? ''),
    format: parseFormat(options['syslog-format'] ?? ''),
  };
}

function parseEndpoint(options: Readonly<Record<string, string>>): Endpoint | undefined {
  const text = options['syslog-address'] ?? '';
  if (text === '') return undefined;
  const { scheme, host, port = defaultPort, path } = parseAddress(text);
  switch (scheme) {
    case 'unix':
    case 'unixgram':
      return { kind: scheme, path };
    case 'tcp':
    case 'udp':
      return { kind: scheme, host: host || 'localhost', port: parsePort(port) };
    case 'tcp+tls': {
      const tls = {
        ca: options['syslog-tls-ca-cert'] ?? '',
        cert: options['syslog-tls-cert'] ?? '',
        key: options['syslog-tls-key'] ?? '',
        // As Docker: the option's presence is what counts.
        skipVerify: options['syslog-tls-skip-verify'] !== undefined,
      };
      return { kind: 'tls', host: host || 'localhost', port: parsePort(port), tls };
    }
    default:
      throw invalidArgument(`syslog-address should be in form proto://address, got ${text}`);
  }
}

function parseFacility(text: string): number {
  if (text === '') return facilities.daemon!;
  const named = facilities[text];
  if (named !== undefined) return named;
  if (/^\d+$/.test(text) && Number(text) <= 23) return Number(text);
  throw invalidArgument('invalid syslog facility');
}

function parseFormat(text: string): SyslogFormat {
  if (text === '') return 'unix';
  if (text === 'rfc3164' || text === 'rfc5424' || text === 'rfc5424micro') return text;
  throw invalidArgument('Invalid syslog format');
}
