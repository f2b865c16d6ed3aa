import { existsSync, readFileSync } from 'node:fs';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { Authorizer, type Grant } from './authorizer.ts';
import { type Credentials, isAnonymous } from './credentials.ts';
import { type HostDirectories, type RegistryConfig, type RegistryHost, registryHosts } from './hosts.ts';
import { ConnectionFailure, RegistryError, readRegistryError } from './registry-error.ts';
import { Reachability, Repository } from './repository.ts';
import { type Proxies, Transport } from './transport.ts';

export interface RegistryClientOptions {
  readonly userAgent: string;
  readonly proxies: Proxies;
  /** Asked for each time: it may be reloaded. */
  readonly config: () => RegistryConfig;
  readonly directories: HostDirectories;
  /** Headers of a client's own, sent along with everything. */
  readonly answerTimeout?: number;
}

export interface LoginResult {
  readonly status: string;
  /** What to come back with instead of a password; '' where the registry gives none. */
  readonly identityToken: string;
}

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated: boolean;
}

/** Where distributions keep the authorities that the machine trusts, as Go looks for them. */
const authorityFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Speaks to registries. Opened once; remembers tokens and which addresses answer. */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #reachability = new Reachability();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#transport = new Transport({
      userAgent: options.userAgent,
      proxies: options.proxies,
      systemAuthorities,
      ...(options.answerTimeout !== undefined && { answerTimeout: options.answerTimeout }),
    });
    this.#authorizer = new Authorizer(this.#transport);
  }

  get transport(): Transport {
    return this.#transport;
  }

  repository(name: { readonly domain: string; readonly path: string }, credentials: Credentials): Repository {
    return new Repository({
      transport: this.#transport,
      authorizer: this.#authorizer,
      reachability: this.#reachability,
      credentials,
      hosts: registryHosts(name, this.#options.config(), this.#options.directories),
    });
  }

  /** Checks credentials with the registry that they name. */
  async login(credentials: Credentials, signal: AbortSignal): Promise<LoginResult> {
    const domain = serverDomain(credentials.serverAddress);
    const config = { ...this.#options.config(), mirrors: [], prefixMirrors: {} };
    const hosts = registryHosts({ domain, path: '' }, config, this.#options.directories).filter(
      ({ mirror }) => !mirror,
    );
    const repository = new Repository({
      transport: this.#transport,
      authorizer: this.#authorizer,
      reachability: this.#reachability,
      credentials,
      hosts,
    });
    return repository.onHosts(async (host) => {
      const url = `${host.base}/`;
      try {
        const response = await repository.send(host, url, { method: 'GET', signal, follow: true, scopes: [] });
        if (!response.ok) throw await readRegistryError(response, url);
        await response.body?.cancel();
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        throw new RegistryError(`Get "${url}": ${error.message}`, { ...error, host: error.host });
      }
      const identityToken = isAnonymous(credentials) ? '' : await this.#identityToken(host, credentials, signal);
      return { status: 'Login Succeeded', identityToken };
    });
  }

  async #identityToken(host: RegistryHost, credentials: Credentials, signal: AbortSignal): Promise<string> {
    const grant: Grant = { origin: new URL(host.base).origin, tls: host.tls, scopes: [], credentials };
    return this.#authorizer.login(grant, signal);
  }

  /** The search protocol of registries before version 2, which Docker Hub has kept. */
  async search(
    term: string,
    { limit, credentials, signal }: { limit: number; credentials: Credentials; signal: AbortSignal },
  ): Promise<SearchResult[]> {
    const { index, remote } = splitSearchTerm(term);
    const domain = index === '' ? 'index.docker.io' : index;
    const hosts = registryHosts({ domain, path: '' }, this.#options.config(), this.#options.directories);
    let failure: unknown;
    for (const host of hosts) {
      const url = new URL('/v1/search', host.base);
      url.searchParams.set('q', remote);
      url.searchParams.set('n', String(limit));
      try {
        const authorization = isAnonymous(credentials) || credentials.username === '' ? {} : basic(credentials);
        const headers = { 'X-Docker-Token': 'true', ...authorization };
        const response = await this.#transport.send(url.href, {
          method: 'GET',
          headers,
          tls: host.tls,
          signal,
          follow: true,
        });
        if (!response.ok) throw unexpectedSearchStatus(response.status);
        return parseResults(await response.text());
      } catch (error) {
        // An answer says more than silence.
        if (!failure || !(error instanceof ConnectionFailure)) failure = error;
        if (!(error instanceof ConnectionFailure)) break;
      }
    }
    throw failure;
  }
}

function unexpectedSearchStatus(status: number): EngineError {
  const code = status === 401 ? 'unauthenticated' : status === 404 ? 'not_found' : 'unavailable';
  return new EngineError(code, `Unexpected status code ${status}`);
}

function basic({ username, password }: Credentials): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function parseResults(text: string): SearchResult[] {
  let results: unknown;
  try {
    results = (JSON.parse(text) as { results?: unknown }).results;
  } catch (cause) {
    throw new EngineError('unavailable', 'the search index sent no JSON', { cause });
  }
  if (!Array.isArray(results)) return [];
  return results
    .filter((entry) => typeof entry?.name === 'string')
    .map((entry) => ({
      name: entry.name,
      description: typeof entry.description === 'string' ? entry.description : '',
      star_count: Number.isFinite(entry.star_count) ? entry.star_count : 0,
      is_official: entry.is_official === true,
      is_automated: entry.is_automated === true,
    }));
}

function splitSearchTerm(term: string): { index: string; remote: string } {
  if (term.includes('://'))
    throw invalidArgument(`invalid repository name: repository name (${term}) should not have a scheme`);
  const slash = term.indexOf('/');
  const first = slash < 0 ? '' : term.slice(0, slash);
  if (first === '' || !(/[.:]/.test(first) || first === 'localhost'))
    return { index: '', remote: term.replace(/^library\//, '') };
  const isHub = first === 'docker.io' || first === 'index.docker.io';
  return {
    index: isHub ? '' : first,
    remote: isHub ? term.slice(slash + 1).replace(/^library\//, '') : term.slice(slash + 1),
  };
}

/** `https://index.docker.io/v1/`, `registry.example.com:5000`, `http://host/path`. */
export function serverDomain(serverAddress: string): string {
  const host = serverAddress.replace(/^https?:\/\//, '').split('/')[0]!;
  return ['', 'docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}

function systemAuthorities(): string | undefined {
  const file = authorityFiles.find((path) => existsSync(path));
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}
