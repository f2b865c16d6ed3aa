import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { type Authorizer, type Grant, repositoryScope, type Scope, type Sent } from './authorizer.ts';
import { type Credentials, noCredentials } from './credentials.ts';
import type { RegistryHost } from './hosts.ts';
import { type FetchedManifest, manifestAccept, readManifest, resolvedDescriptor } from './manifest-response.ts';
import { ConnectionFailure, readRegistryError } from './registry-error.ts';
import type { RequestBody, Transport, TransportRequest } from './transport.ts';

export interface RepositoryOptions {
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  readonly credentials: Credentials;
  /** In the order they are tried. */
  readonly hosts: readonly RegistryHost[];
  /** Shared by all repositories: which addresses did not answer a moment ago. */
  readonly reachability: Reachability;
}

/** Addresses that cannot be reached are passed over for a while where there are others. */
export class Reachability {
  readonly #failed = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  order(hosts: readonly RegistryHost[]): RegistryHost[] {
    const isDown = ({ base }: RegistryHost) => (this.#failed.get(base) ?? 0) > this.#now();
    return [...hosts.filter((host) => !isDown(host)), ...hosts.filter(isDown)];
  }

  failed({ base }: RegistryHost): void {
    this.#failed.set(base, this.#now() + 30_000);
  }

  answered({ base }: RegistryHost): void {
    this.#failed.delete(base);
  }
}

export interface RepositoryRequest extends Omit<TransportRequest, 'tls'> {
  readonly scopes?: readonly Scope[];
}

/** One repository of one registry, as somebody with certain credentials sees it. distribution-spec */
export class Repository {
  readonly #options: RepositoryOptions;
  #pushHost: RegistryHost | undefined;

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  get hosts(): readonly RegistryHost[] {
    return this.#options.hosts;
  }

  /** What a tag or digest stands for, without its bytes; undefined where only fetching it would tell. */
  async resolve(reference: string, signal: AbortSignal): Promise<Descriptor | undefined> {
    return this.onHosts(async (host) => {
      const response = await this.send(host, `manifests/${reference}`, {
        method: 'HEAD',
        headers: { Accept: manifestAccept },
        signal,
        follow: true,
      });
      // HEAD has no body to explain itself.
      if (!response.ok) return undefined;
      return resolvedDescriptor(response);
    });
  }

  /** Manifest or index, its digest checked. */
  async manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest> {
    return this.onHosts(async (host) => {
      const response = await this.ok(host, `manifests/${reference}`, {
        method: 'GET',
        headers: { Accept: manifestAccept },
        signal,
        follow: true,
      });
      return readManifest(response, reference);
    });
  }

  /** Opens a blob at an offset. `partial` says whether the answer begins there or at the blob's first byte. */
  async blob(
    digest: Digest,
    { offset, end, signal }: { offset: number; end?: number | undefined; signal: AbortSignal },
  ): Promise<{ response: Response; partial: boolean; host: RegistryHost }> {
    return this.onHosts(async (host) => {
      const response = await this.ok(host, `blobs/${digest}`, {
        method: 'GET',
        headers: rangeHeaders(offset, end),
        signal,
        follow: true,
      });
      return { response, partial: response.status === 206, host };
    });
  }

  async hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean> {
    const host = this.pushHost();
    const response = await this.send(host, `blobs/${digest}`, {
      method: 'HEAD',
      signal,
      follow: true,
      scopes: this.pushScopes(),
    });
    if (response.ok) return true;
    if (response.status === 404) return false;
    throw await readRegistryError(response, 'HEAD request to the registry');
  }

  /** All tags, page by page. */
  async *tags(signal: AbortSignal, limit = 100_000): AsyncGenerator<string> {
    let path = 'tags/list';
    let found = 0;
    while (path !== '') {
      const { tags, next } = await this.onHosts(async (host) => {
        const response = await this.ok(host, path, { method: 'GET', signal, follow: true });
        const body = (await response.json()) as { tags?: unknown };
        return { tags: Array.isArray(body.tags) ? body.tags : [], next: nextPage(response, host) };
      });
      for (const tag of tags) {
        if (typeof tag !== 'string' || !/^[\w][\w.-]{0,127}$/.test(tag)) continue;
        yield tag;
        if (++found >= limit) return;
      }
      path = next;
    }
  }

  async putManifest(
    reference: string,
    { mediaType, bytes }: { mediaType: string; bytes: Uint8Array<ArrayBuffer> },
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.ok(this.pushHost(), `manifests/${reference}`, {
      method: 'PUT',
      headers: { 'Content-Type': mediaType },
      body: bytes,
      signal,
      scopes: this.pushScopes(),
    });
    await response.body?.cancel();
  }

  /** Finds out which address answers, once for all that is pushed: half an upload is of no use at another one. */
  async settlePushHost(signal: AbortSignal): Promise<void> {
    const { transport } = this.#options;
    const able = this.hosts.filter(({ canPush }) => canPush);
    this.#pushHost = await this.onHosts(async (host) => {
      const response = await transport.send(`${host.base}/`, { method: 'GET', signal, follow: true, tls: host.tls });
      await response.body?.cancel().catch(() => undefined);
      return host;
    }, able);
  }

  /** The registry itself: nothing is pushed to a mirror unless it says that it takes pushes. */
  pushHost(): RegistryHost {
    if (this.#pushHost) return this.#pushHost;
    return this.#options.reachability.order(this.hosts.filter(({ canPush }) => canPush))[0]!;
  }

  pushScopes(mountFrom?: string): Scope[] {
    const own = repositoryScope(this.pushHost().path, 'pull,push');
    return mountFrom === undefined ? [own] : [own, repositoryScope(mountFrom, 'pull')];
  }

  /** Tries each address in turn. The registry's own answer counts as the truth, a mirror's only if it is good. */
  async onHosts<T>(body: (host: RegistryHost) => Promise<T>, hosts = this.hosts): Promise<T> {
    const { reachability } = this.#options;
    let failure: unknown;
    let isMirrors = true;
    for (const host of reachability.order(hosts)) {
      try {
        const result = await body(host);
        reachability.answered(host);
        return result;
      } catch (error) {
        if (error instanceof ConnectionFailure && error.absent) reachability.failed(host);
        if (failure === undefined || !host.mirror) failure = isMirrors ? error : betterFailure(failure, error);
        isMirrors &&= host.mirror;
        if (!host.mirror && !(error instanceof ConnectionFailure)) break;
      }
    }
    throw failure;
  }

  /** As `send`, where anything but success is thrown. */
  async ok(host: RegistryHost, path: string, request: RepositoryRequest): Promise<Response> {
    const response = await this.send(host, path, request);
    if (response.ok) return response;
    throw await readRegistryError(response, `${request.method} request to ${new URL(response.url || host.base).host}`);
  }

  /** Sends to a path of the repository, or to a whole URL that the registry gave; answers challenges. */
  async send(host: RegistryHost, pathOrUrl: string, request: RepositoryRequest): Promise<Response> {
    const { transport, authorizer } = this.#options;
    const url = /^https?:/.test(pathOrUrl)
      ? pathOrUrl
      : `${host.base}/${host.path}/${pathOrUrl}${namespaceQuery(host)}`;
    const grant: Grant = {
      origin: new URL(host.base).origin,
      tls: host.tls,
      scopes: request.scopes ?? [repositoryScope(host.path, 'pull')],
      credentials: host.mirror ? noCredentials : this.#options.credentials,
    };
    // An upload may go to another host, whose business the credentials are not.
    const isOwn = new URL(url).origin === grant.origin;
    for (let attempt = 1; ; attempt++) {
      const sent = isOwn ? await authorizer.header(grant, request.signal) : undefined;
      const response = await transport.send(url, {
        ...request,
        headers: headersFor(request, host, sent),
        tls: host.tls,
      });
      if (response.status !== 401 || !isOwn || attempt === 3) return response;
      if (!authorizer.challenged(grant, response, sent) || isStream(request.body)) return response;
      await response.body?.cancel().catch(() => undefined);
    }
  }
}

function headersFor(
  { headers }: RepositoryRequest,
  host: RegistryHost,
  sent: Sent | undefined,
): Record<string, string> {
  return { ...host.headers, ...headers, ...(sent && { Authorization: sent.header }) };
}

function isStream(body: RequestBody | undefined): boolean {
  return typeof body === 'object' && 'stream' in body;
}

function rangeHeaders(offset: number, end: number | undefined): Record<string, string> {
  if (offset === 0 && end === undefined) return {};
  return { Range: `bytes=${offset}-${end === undefined ? '' : end - 1}` };
}

function namespaceQuery({ namespace }: RegistryHost): string {
  return namespace === undefined ? '' : `?ns=${encodeURIComponent(namespace)}`;
}

/** `Link: </v2/a/tags/list?last=x&n=50>; rel="next"`: only ever to the same repository. */
function nextPage(response: Response, { base, path }: RegistryHost): string {
  const link = /<([^>]+)>\s*;[^,]*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1];
  const url = link === undefined ? null : URL.parse(link, response.url || base);
  return url?.pathname.endsWith(`/${path}/tags/list`) ? `tags/list${url.search}` : '';
}

/** An answer beats silence, and silence beats that nobody is there. */
function betterFailure(before: unknown, now: unknown): unknown {
  const isAbsent = (failure: unknown) => failure instanceof ConnectionFailure && failure.absent;
  return before === undefined || isAbsent(before) || !isAbsent(now) ? now : before;
}
