import type { Logger } from '@wharf/base/logger';
import { SingleFlight } from '@wharf/base/single-flight';
import { RegistryError as UpstreamError } from '../../client/registry-error.ts';
import type { ContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import { isTag, type RepositoryName } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import type { ManifestRecord } from '../repository/manifest-records.ts';
import { BlobDownload } from './blob-download.ts';
import type { UpstreamRepository, Upstreams } from './upstreams.ts';

export interface PullThroughOptions {
  readonly upstreams: Upstreams;
  readonly logger: Logger;
  readonly observe?: (result: 'hit' | 'miss' | 'stale') => void;
}

/** Fetches what other registries have, once, however many ask, and keeps it. */
export class PullThrough {
  readonly upstreams: Upstreams;
  readonly #logger: Logger;
  readonly #observe: (result: 'hit' | 'miss' | 'stale') => void;
  readonly #manifests = new SingleFlight<ManifestRecord>();
  readonly #downloads = new Map<string, Promise<BlobDownload>>();

  constructor({ upstreams, logger, observe = () => {} }: PullThroughOptions) {
    this.upstreams = upstreams;
    this.#logger = logger;
    this.#observe = observe;
  }

  /** Undefined where no upstream is asked for this repository. */
  async manifest(
    deps: RegistryDeps,
    repository: RepositoryName,
    reference: string,
  ): Promise<ManifestRecord | undefined> {
    const source = this.upstreams.find(repository);
    if (!source) return undefined;
    const { manifests, tags } = deps;
    if (!isTag(reference)) {
      const known = await manifests.read(repository, reference);
      this.#observe(known ? 'hit' : 'miss');
      return (
        known ??
        (await this.#once(`${repository}@${reference}`, () => fetchManifest(deps, repository, { source, reference })))
      );
    }
    const tag = await tags.read(repository, reference);
    const known = tag && (await manifests.read(repository, tag.digest));
    const isFresh = tag && (tag.checked === undefined || tag.checked > Date.now() - source.upstream.lifetime);
    if (known && isFresh) {
      this.#observe('hit');
      return known;
    }
    try {
      const key = `${repository}:${reference}`;
      const record = await this.#once(key, () => refreshTag(deps, repository, { source, reference, known }));
      this.#observe('miss');
      return record;
    } catch (error) {
      if (!known || !isOutage(error)) throw error;
      this.#observe('stale');
      this.#logger.warn('The upstream does not answer: what it said last is served', { repository, reference });
      return known;
    }
  }

  #once(key: string, body: () => Promise<ManifestRecord>): Promise<ManifestRecord> {
    return this.#manifests.run(key, async () => {
      try {
        return await body();
      } catch (error) {
        throw explainUpstream(error);
      }
    });
  }

  /** A download that is under way, or begins now; undefined where no upstream is asked. */
  async blob(deps: RegistryDeps, repository: RepositoryName, digest: ContentDigest): Promise<BlobDownload | undefined> {
    const source = this.upstreams.find(repository);
    if (!source) return undefined;
    const key = `${repository}@${digest}`;
    const running = this.#downloads.get(key);
    if (running) return await running;
    // Whoever reads of a failure and asks again gets a new download, not the failed one.
    const onEnd = () => void this.#downloads.delete(key);
    const started = BlobDownload.start(deps, repository, { source, digest, onEnd }).catch((error) => {
      onEnd();
      throw explainUpstream(error);
    });
    this.#downloads.set(key, started);
    this.#observe('miss');
    return await started;
  }

  /** The size of a blob that is not here, from its own registry. */
  async blobSize(repository: RepositoryName, digest: ContentDigest): Promise<number | undefined> {
    const source = this.upstreams.find(repository);
    if (!source) return undefined;
    try {
      return await source.blobSize(digest);
    } catch (error) {
      throw explainUpstream(error);
    }
  }
}

const answerSeconds = 60;

async function fetchManifest(
  { manifests }: RegistryDeps,
  repository: RepositoryName,
  { source, reference }: { source: UpstreamRepository; reference: string },
): Promise<ManifestRecord> {
  // Of nobody's request: others may wait for it when its client leaves.
  const signal = AbortSignal.timeout(answerSeconds * 1000);
  const { descriptor, bytes } = await source.remote.manifest(reference, signal);
  const record = { digest: descriptor.digest, mediaType: descriptor.mediaType, bytes };
  await manifests.write(repository, record);
  return record;
}

async function refreshTag(
  deps: RegistryDeps,
  repository: RepositoryName,
  { source, reference, known }: { source: UpstreamRepository; reference: string; known: ManifestRecord | undefined },
): Promise<ManifestRecord> {
  const signal = AbortSignal.timeout(answerSeconds * 1000);
  // Asking for the digest alone does not count towards the limits of some registries.
  const resolved = known && (await source.remote.resolve(reference, signal));
  const isSame = known && resolved?.digest === known.digest;
  const record = isSame ? known : await fetchManifest(deps, repository, { source, reference });
  const now = Date.now();
  await deps.tags.write(repository, reference, { digest: record.digest, pushed: now, checked: now });
  return record;
}

/** The upstream cannot be asked now, rather than says no. */
function isOutage(error: unknown): boolean {
  return error instanceof RegistryError && (error.status >= 500 || error.status === 429);
}

function explainUpstream(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof UpstreamError ? error.status : undefined;
  if (status === 404)
    return new RegistryError('MANIFEST_UNKNOWN', 'manifest unknown', { detail: { upstream: message } });
  if (status === 429) return new RegistryError('TOOMANYREQUESTS', `the upstream limits requests: ${message}`);
  if (status === 401 || status === 403) return new RegistryError('DENIED', `the upstream refuses: ${message}`);
  return new RegistryError('MANIFEST_UNKNOWN', `the upstream cannot be asked: ${message}`, {
    status: 502,
    cause: error,
  });
}
