import { inCidr, type TlsSettings } from './transport.ts';

export interface RegistryConfig {
  /** `registry-mirrors`: base URLs that are asked for Docker Hub's images first. */
  readonly mirrors: readonly string[];
  /** `insecure-registries`: hosts with or without port, and CIDRs. */
  readonly insecure: readonly string[];
  /** By prefix of an image's name (`ghcr.io`, `quay.io/team`): where to ask first, in this order. */
  readonly prefixMirrors: Readonly<Record<string, readonly string[]>>;
}

/** One address that may serve a repository. */
export interface RegistryHost {
  /** With scheme and API version, no slash at its end: `https://registry-1.docker.io/v2`. */
  readonly base: string;
  /** The repository's path there. */
  readonly path: string;
  readonly tls: TlsSettings;
  /** Credentials are meant for the registry itself and go nowhere else. */
  readonly mirror: boolean;
  readonly canPush: boolean;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** `ns` of a pull-through cache: whose repository is meant. */
  readonly namespace?: string;
}

/** What lies in `certs.d/<host>`. */
export interface HostDirectory {
  readonly tls: TlsSettings;
  /** From `hosts.toml`, in its order. */
  readonly hosts: readonly ConfiguredHost[];
  /** The registry's own address, where `hosts.toml` names another one. */
  readonly server?: string;
}

export interface ConfiguredHost {
  readonly url: string;
  readonly capabilities: readonly string[];
  readonly tls: TlsSettings;
  readonly overridePath: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads `certs.d/<host>`; a host that has none gives an empty one. */
export type HostDirectories = (host: string) => HostDirectory;

const hubHost = 'registry-1.docker.io';

/** The addresses for a repository in the order they are tried: mirrors, then the registry itself. */
export function registryHosts(
  { domain, path }: { readonly domain: string; readonly path: string },
  config: RegistryConfig,
  directories: HostDirectories,
): RegistryHost[] {
  const directory = directories(domain);
  const own = domain === 'docker.io' ? hubHost : domain;
  const server = directory.server === undefined ? undefined : withVersion(directory.server);
  const hosts: RegistryHost[] = [
    ...prefixMirrors(domain, path, config, directories),
    ...directory.hosts.map((host) => configuredHost(host, { domain, path, tls: directory.tls })),
    ...(domain === 'docker.io' ? config.mirrors.flatMap((url) => hubMirror(url, path, config, directories)) : []),
  ];
  const origin = { path, mirror: false, canPush: true, headers: {} };
  if (server !== undefined) return [...hosts, { ...origin, base: server, tls: directory.tls }];
  return [
    ...hosts,
    ...schemes(own, config, directory.tls).map(({ scheme, tls }) => ({
      ...origin,
      base: `${scheme}://${own}/v2`,
      tls,
    })),
  ];
}

/** An insecure registry is asked by TLS that verifies nothing first, and in the clear then, as Docker does. */
function schemes(host: string, config: RegistryConfig, tls: TlsSettings): { scheme: string; tls: TlsSettings }[] {
  if (!isInsecure(host, config.insecure)) return [{ scheme: 'https', tls }];
  return [
    { scheme: 'https', tls: { ...tls, insecure: true } },
    { scheme: 'http', tls },
  ];
}

export function isInsecure(host: string, insecure: readonly string[]): boolean {
  const hostname = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (hostname === 'localhost' || hostname === '::1' || /^127\./.test(hostname)) return true;
  return insecure.some((rule) => (rule.includes('/') ? inCidr(hostname, rule) : rule === host || rule === hostname));
}

function hubMirror(url: string, path: string, config: RegistryConfig, directories: HostDirectories): RegistryHost[] {
  const { protocol, host } = new URL(url);
  const tls = directories(host).tls;
  const rest = { path, mirror: true, canPush: false, headers: {} };
  const base = `${url.replace(/\/+$/, '')}/v2`;
  if (protocol === 'http:') return [{ ...rest, base, tls }];
  return schemes(host, config, tls).map((way) => ({
    ...rest,
    base: base.replace(/^https?/, way.scheme),
    tls: way.tls,
  }));
}

/** The longest prefix wins; what follows it is appended to the mirror's own path. */
function prefixMirrors(
  domain: string,
  path: string,
  config: RegistryConfig,
  directories: HostDirectories,
): RegistryHost[] {
  const name = `${domain}/${path}`;
  const matching = Object.keys(config.prefixMirrors).filter(
    (prefix) => name === prefix || name.startsWith(`${prefix}/`),
  );
  const longest = matching.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) return [];
  const rest = name.slice(longest.length + 1);
  return config.prefixMirrors[longest]!.flatMap((mirror) => {
    const { protocol, host, pathname } = new URL(mirror.includes('://') ? mirror : `https://${mirror}`);
    const repository = [pathname.replace(/^\/+|\/+$/g, ''), rest].filter((part) => part !== '').join('/');
    const tls = directories(host).tls;
    const ways = protocol === 'http:' ? [{ scheme: 'http', tls }] : schemes(host, config, tls);
    return ways.map((way) => ({
      base: `${way.scheme}://${host}/v2`,
      path: repository,
      tls: way.tls,
      mirror: true,
      canPush: false,
      headers: {},
    }));
  });
}

function configuredHost(
  { url, capabilities, tls, overridePath, headers }: ConfiguredHost,
  repository: { domain: string; path: string; tls: TlsSettings },
): RegistryHost {
  return {
    base: overridePath ? url.replace(/\/+$/, '') : withVersion(url),
    path: repository.path,
    tls: { ...repository.tls, ...tls },
    mirror: true,
    canPush: capabilities.includes('push'),
    headers,
    namespace: repository.domain,
  };
}

function withVersion(url: string): string {
  const base = url.replace(/\/+$/, '');
  return base.endsWith('/v2') ? base : `${base}/v2`;
}
