import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { boolean, decode, nullable, parseJson, struct, text } from '@wharf/base/decode';
import { invalidArgument } from '@wharf/base/error';

/** Where plugins put their sockets, and files that say where they listen. Docker's places: plugins know no others. */
export interface PluginDirectories {
  readonly sockets: string;
  readonly specs: readonly string[];
}

export const pluginDirectories: PluginDirectories = {
  sockets: '/run/docker/plugins',
  specs: ['/etc/docker/plugins', '/usr/lib/docker/plugins'],
};

/** Where a plugin listens. */
export interface PluginAddress {
  readonly target: { readonly socket: string } | { readonly host: string; readonly port: number };
  readonly tls: PluginTls | undefined;
}

export interface PluginTls {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly verify: boolean;
}

// A name is part of a path: no slash, and no dot at its start.
const nameSyntax = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/**
 * Looks for a plugin: `<name>.sock` first, then `<name>.spec` and `<name>.json`, each in its directory or in a folder
 * of the plugin's name there. undefined when there is none.
 */
export function findPlugin(name: string, directories = pluginDirectories): PluginAddress | undefined {
  if (!nameSyntax.test(name)) return undefined;
  for (const path of places(directories.sockets, name, 'sock')) {
    if (statSync(path, { throwIfNoEntry: false })?.isSocket()) return { target: { socket: path }, tls: undefined };
  }
  for (const directory of directories.specs) {
    for (const path of places(directory, name, 'spec')) {
      const content = readIfThere(path);
      if (content !== undefined) return { target: parseTarget(content.trim(), path), tls: undefined };
    }
    for (const path of places(directory, name, 'json')) {
      const content = readIfThere(path);
      if (content !== undefined) return readJsonSpec(content, path);
    }
  }
  return undefined;
}

/** The names of all plugins that can be found, whether they answer or not. */
export function listPlugins(directories = pluginDirectories): string[] {
  const names = new Set<string>();
  for (const [directory, endings] of [
    [directories.sockets, ['sock']] as const,
    ...directories.specs.map((specs) => [specs, ['spec', 'json']] as const),
  ]) {
    for (const entry of list(directory)) {
      const name = entry.replace(/\.[^.]+$/, '');
      if (endings.some((ending) => entry === `${name}.${ending}`)) names.add(name);
      else if (endings.some((ending) => isThere(join(directory, entry, `${entry}.${ending}`)))) names.add(entry);
    }
  }
  return [...names].filter((name) => nameSyntax.test(name)).sort();
}

function places(directory: string, name: string, ending: string): string[] {
  return [join(directory, `${name}.${ending}`), join(directory, name, `${name}.${ending}`)];
}

function parseTarget(address: string, path: string): PluginAddress['target'] {
  const match = /^(unix|tcp|http|https):\/\/(.+)$/.exec(address);
  if (!match) throw invalidArgument(`invalid plugin address in ${path}: ${JSON.stringify(address)}`);
  if (match[1] === 'unix') return { socket: match[2]! };
  const host = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})\/?$/.exec(match[2]!);
  if (!host) throw invalidArgument(`invalid plugin address in ${path}: ${JSON.stringify(address)}`);
  return { host: host[1] ?? host[2]!, port: Number(host[3]) };
}

const decodeSpec = struct<{
  Addr: string;
  TLSConfig: { InsecureSkipVerify: boolean; CAFile: string; CertFile: string; KeyFile: string } | null;
}>('Plugin', {
  Addr: text,
  TLSConfig: nullable(
    struct('TLSConfig', { InsecureSkipVerify: boolean, CAFile: text, CertFile: text, KeyFile: text }),
  ),
});

function readJsonSpec(content: string, path: string): PluginAddress {
  const { Addr, TLSConfig } = decode(decodeSpec, parseJson(content));
  const target = parseTarget(Addr, path);
  if (!TLSConfig) return { target, tls: undefined };
  const file = (name: string) => (name === '' ? undefined : readFileSync(name));
  const ca = file(TLSConfig.CAFile);
  return {
    target,
    tls: {
      ca,
      cert: file(TLSConfig.CertFile),
      key: file(TLSConfig.KeyFile),
      // As Docker has it: without an authority there is nobody to verify by.
      verify: ca !== undefined && !TLSConfig.InsecureSkipVerify,
    },
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw invalidArgument(`cannot read the plugin's file ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
