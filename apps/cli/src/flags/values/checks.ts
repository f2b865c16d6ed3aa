import { isIP, isIPv6 } from '../../ip.ts';
import { cut } from '../parse.ts';
import { UsageError } from '../usage-error.ts';

/** `host:ip`, `host=ip` or `host:host-gateway`, as `host:ip`. */
export function checkExtraHost(text: string): string {
  const separator = /[=:]/.exec(text)?.[0];
  const [name, address] = cut(text, separator ?? ':');
  if (separator === undefined || address === undefined || name === '') {
    throw new UsageError(`bad format for add-host: ${JSON.stringify(text)}`);
  }
  const ip = /^\[.*\]$/.test(address) && isIPv6(address.slice(1, -1)) ? address.slice(1, -1) : address;
  if (ip !== 'host-gateway' && !isIP(ip)) {
    throw new UsageError(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${ip}`;
}

export function checkIP(text: string): string {
  if (isIP(text.trim())) return text.trim();
  throw new UsageError(`IP address is not correctly formatted: ${text}`);
}

/** A search domain; `.` asks for none. */
export function checkDnsSearch(text: string): string {
  const domain = text.trim();
  if (domain === '.') return domain;
  const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-_]*[a-zA-Z0-9])?';
  if (domain.length < 255 && new RegExp(`^(?:${label})(?:\\.(?:${label}))*\\.?$`).test(domain)) return domain;
  throw new UsageError(`${text} is not a valid domain`);
}

export function checkLink(text: string): string {
  if (text === '') throw new UsageError('empty string specified for links');
  if (text.split(':').length > 2) throw new UsageError(`bad format for links: ${text}`);
  return text;
}

export function checkStream(text: string): string {
  const stream = text.toLowerCase();
  if (['stdin', 'stdout', 'stderr'].includes(stream)) return stream;
  throw new UsageError('valid streams are STDIN, STDOUT and STDERR');
}

export function checkEnv(text: string): string {
  if (text === '' || text.startsWith('=')) throw new UsageError(`invalid environment variable: ${text}`);
  return text;
}

const sysctls = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
];

/** Only what belongs to the container's own namespaces. */
export function checkSysctl(text: string): string {
  const [name, value] = cut(text, '=');
  const allowed = sysctls.includes(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.');
  if (value === undefined || !allowed) throw new UsageError(`sysctl '${text}' is not allowed`);
  return text;
}
