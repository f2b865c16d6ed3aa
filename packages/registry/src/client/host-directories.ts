import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { ConfiguredHost, HostDirectories, HostDirectory } from './hosts.ts';
import type { TlsSettings } from './transport.ts';

const nothing: HostDirectory = { tls: {}, hosts: [] };

/**
 * Reads `<root>/<host>/`: `*.crt` are authorities, `x.cert` and `x.key` a client's certificate, as Docker has them,
 * and `hosts.toml` as containerd has it. The first root that has the host counts. Read anew each time: certificates
 * are renewed without anybody telling the daemon.
 */
export function hostDirectories(roots: readonly string[]): HostDirectories {
  return (host) => {
    // A host is a name from an image reference: it must not lead anywhere else.
    if (!/^[A-Za-z0-9._:[\]-]+$/.test(host) || host.startsWith('.')) return nothing;
    for (const root of roots) {
      const directory = join(root, host);
      if (existsSync(directory)) return readHostDirectory(directory);
    }
    return nothing;
  };
}

function readHostDirectory(directory: string): HostDirectory {
  const names = readdirSync(directory).sort();
  const authorities = names.filter((name) => name.endsWith('.crt')).map((name) => read(directory, name));
  const certificate = names.find((name) => name.endsWith('.cert'));
  const key = certificate?.replace(/\.cert$/, '.key');
  if (certificate && !names.includes(key!)) {
    throw invalidArgument(
      `missing key ${key} for client certificate ${certificate}. CA certificates must use the extension .crt`,
    );
  }
  const alone = names.find((name) => name.endsWith('.key') && !names.includes(name.replace(/\.key$/, '.cert')));
  if (alone) throw invalidArgument(`missing client certificate ${alone.replace(/\.key$/, '.cert')} for key ${alone}`);
  const tls: TlsSettings = {
    ...(authorities.length > 0 && { authorities: authorities.join('\n') }),
    ...(certificate && { certificate: read(directory, certificate), key: read(directory, key!) }),
  };
  if (!names.includes('hosts.toml')) return { tls, hosts: [] };
  return { tls, ...parseHostsFile(read(directory, 'hosts.toml'), directory) };
}

function read(directory: string, name: string): string {
  return readFileSync(isAbsolute(name) ? name : join(directory, name), 'utf8');
}

/** containerd: docs/hosts.md */
function parseHostsFile(text: string, directory: string): Pick<HostDirectory, 'hosts' | 'server'> {
  let file: Record<string, unknown>;
  try {
    file = Bun.TOML.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw invalidArgument(`failed to parse ${join(directory, 'hosts.toml')}: ${(cause as Error).message}`, { cause });
  }
  const hosts = Object.entries((file.host ?? {}) as Record<string, Record<string, unknown>>);
  return {
    hosts: hosts.map(([url, fields]) => configuredHost(url, fields, directory)).filter((host) => host !== undefined),
    ...(typeof file.server === 'string' && { server: withScheme(file.server) }),
  };
}

function configuredHost(url: string, fields: Record<string, unknown>, directory: string): ConfiguredHost | undefined {
  const capabilities = strings(fields.capabilities);
  const usable = capabilities.length > 0 ? capabilities : ['pull', 'resolve', 'push'];
  if (!usable.includes('pull') && !usable.includes('push')) return undefined;
  const authorities = strings(fields.ca).map((name) => read(directory, name));
  const [client] = Array.isArray(fields.client) ? fields.client : [fields.client];
  const [certificate, key] = strings(client);
  return {
    url: withScheme(url),
    capabilities: usable,
    overridePath: fields.override_path === true,
    headers: headersOf(fields.header),
    tls: {
      ...(authorities.length > 0 && { authorities: authorities.join('\n') }),
      ...(certificate && key && { certificate: read(directory, certificate), key: read(directory, key) }),
      ...(fields.skip_verify === true && { insecure: true }),
    },
  };
}

function withScheme(url: string): string {
  return url.includes('://') ? url : `https://${url}`;
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function headersOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, strings(field).join(', ')]));
}
