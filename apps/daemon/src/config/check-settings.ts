import { isIP } from 'node:net';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import { parseSize } from '@wharf/base/size';
import { parseListenAddress } from '../listen/address.ts';
import type { Settings } from './options.ts';

/** What no option can see alone, or takes more than its syntax; in dockerd's words. */
export function checkSettings(settings: Settings): void {
  for (const label of settings.labels) checkLabel(label);
  for (const server of settings.dns) {
    if (isIP(server) === 0) throw invalidArgument(`IP address is not correctly formatted: ${server}`);
  }
  for (const domain of settings['dns-search']) checkDomain(domain);
  for (const [key, what] of counts) {
    if (settings[key] < 0) throw invalidArgument(`invalid ${what}: ${settings[key]}`);
  }
  if (settings['max-download-attempts'] === 0) throw invalidArgument('invalid max download attempts: 0');
  for (const option of settings['exec-opts']) checkExecOption(option);
  containerSize(settings['storage-opts']);
  if (settings['metrics-addr'] !== '') parseMetricsAddress(settings['metrics-addr']);
  for (const [name, enabled] of Object.entries(settings.features)) checkFeature(name, enabled);
  if (settings['shutdown-timeout'] < -1)
    throw invalidArgument(`invalid shutdown timeout: ${settings['shutdown-timeout']}`);
}

const counts = [
  ['mtu', 'default MTU'],
  ['max-concurrent-downloads', 'max concurrent downloads'],
  ['max-concurrent-uploads', 'max concurrent uploads'],
  ['max-download-attempts', 'max download attempts'],
] as const;

function checkLabel(label: string): void {
  const [key] = label.split('=', 1);
  if (!label.includes('=')) throw invalidArgument(`bad attribute format: ${label}`);
  if (key?.trim() === '') throw invalidArgument(`invalid label '${label}': empty name`);
}

/** `.` asks for no search domain at all. */
function checkDomain(domain: string): void {
  if (domain.trim() === '.') return;
  if (domain.length > 254 || !/^[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*\.?$/i.test(domain)) {
    throw invalidArgument(`${domain} is not a valid domain`);
  }
}

function checkExecOption(option: string): void {
  const equals = option.indexOf('=');
  if (equals < 0) throw invalidArgument(`unable to parse key/value option: ${option}`);
  const key = option.slice(0, equals).trim().toLowerCase();
  const value = option.slice(equals + 1).trim();
  if (key !== 'native.cgroupdriver') {
    throw invalidArgument(`invalid option ${key}, only native.cgroupdriver is currently supported`);
  }
  if (value === 'systemd') throw notImplemented(`exec-opts=${option}`);
  if (value !== 'cgroupfs') throw invalidArgument(`native.cgroupdriver option ${value} not supported`);
}

/** Without a port there is nowhere to listen; without a host it is on every address. */
export function parseMetricsAddress(text: string): { host: string; port: number } {
  const address = /^[^/]*:\d+$/.test(text) ? parseListenAddress(text, { tls: false }) : undefined;
  if (address?.kind !== 'tcp') throw invalidArgument(`invalid metrics-addr (${text}): it must be host:port`);
  return { host: text.startsWith(':') ? '::' : address.host, port: address.port };
}

/** Bytes that each container may hold by `overlay2.size`; 0 is as much as there is. */
export function containerSize(options: readonly string[]): number {
  let size = 0;
  for (const option of options) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(option) ?? [];
    if (key === '') throw invalidArgument(`unable to parse storage option: ${option}`);
    if (['overlay2.size', 'size'].includes(key.toLowerCase())) size = parseSize(value);
    else throw notImplemented(`storage-opts=${option}`);
  }
  return size;
}

/** How images are stored is no choice here, and a builder that is not there cannot be chosen. */
function checkFeature(name: string, enabled: boolean): void {
  if (name === 'buildkit' || enabled === (name === 'containerd-snapshotter')) return;
  throw notImplemented(`features.${name}=${enabled}`);
}

/** A label given twice with the same value is one; with two values it is a mistake. */
export function withoutConflicts(labels: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const label of labels) {
    const key = label.slice(0, label.indexOf('='));
    const before = byKey.get(key);
    if (before !== undefined && before !== label) throw invalidArgument(`conflict labels for ${label} and ${before}`);
    byKey.set(key, label);
  }
  return [...byKey.values()];
}
