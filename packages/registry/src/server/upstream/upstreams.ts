import type { Repository } from '../../client/repository.ts';
import type { ContentDigest } from '../content-digest.ts';
import type { RepositoryName } from '../names.ts';

export interface UpstreamSettings {
  /** Repositories below this are the upstream's: `docker.io/library/busybox`. '' takes what is not found here. */
  readonly prefix: string;
  /** Whom clients mean by `ns`, and what is asked: `docker.io`. */
  readonly registry: string;
  /** Milliseconds for which a tag is believed without asking again. */
  readonly lifetime: number;
}

export interface Upstream extends UpstreamSettings {
  open(path: string): Repository;
}

/** An upstream's repository, by the name that it has here. */
export interface UpstreamRepository {
  readonly upstream: Upstream;
  readonly remote: Repository;
  /** Undefined for a blob that is not there. */
  blobSize(digest: ContentDigest): Promise<number | undefined>;
}

const answerSeconds = 60;

/** Which registry a repository comes from. */
export class Upstreams {
  readonly #upstreams: readonly Upstream[];

  constructor(upstreams: readonly Upstream[]) {
    // The longest prefix is the one that was meant.
    this.#upstreams = [...upstreams].sort((a, b) => b.prefix.length - a.prefix.length);
  }

  find(repository: RepositoryName): UpstreamRepository | undefined {
    const upstream = this.#upstreams.find(({ prefix }) => prefix === '' || repository.startsWith(`${prefix}/`));
    if (!upstream) return undefined;
    const path = upstream.prefix === '' ? repository : repository.slice(upstream.prefix.length + 1);
    const remote = upstream.open(path);
    return { upstream, remote, blobSize: (digest) => blobSize(remote, digest) };
  }

  /** Nothing is pushed where an upstream alone has its content. */
  isCacheOnly(repository: RepositoryName): boolean {
    return this.#upstreams.some(({ prefix }) => prefix !== '' && repository.startsWith(`${prefix}/`));
  }

  /** containerd names the registry that it means beside the repository's own path. */
  localName(repository: RepositoryName, namespace: string | undefined): RepositoryName {
    if (namespace === undefined) return repository;
    const upstream = this.#upstreams.find(({ prefix, registry }) => registry === namespace || prefix === namespace);
    if (!upstream || upstream.prefix === '' || repository.startsWith(`${upstream.prefix}/`)) return repository;
    return `${upstream.prefix}/${repository}`;
  }
}

function blobSize(remote: Repository, digest: ContentDigest): Promise<number | undefined> {
  return remote.onHosts(async (host) => {
    const signal = AbortSignal.timeout(answerSeconds * 1000);
    const response = await remote.send(host, `blobs/${digest}`, { method: 'HEAD', signal, follow: true });
    const length = response.headers.get('content-length');
    return response.ok && length !== null ? Number(length) : undefined;
  });
}
