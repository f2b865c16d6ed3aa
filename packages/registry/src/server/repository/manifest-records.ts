import type { ContentDigest } from '../content-digest.ts';
import type { RepositoryName } from '../names.ts';
import { digestInManifestKey, manifestKey, manifestsPrefix } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface ManifestRecord {
  readonly digest: ContentDigest;
  readonly mediaType: string;
  /** Exactly as they were pushed. */
  readonly bytes: Buffer;
}

export interface ListedManifest {
  readonly digest: ContentDigest;
  /** When it was pushed last. */
  readonly modified: number;
}

/** A repository's manifests: a line of JSON with the media type each, then the manifest's own bytes. */
export class ManifestRecords {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async read(repository: RepositoryName, digest: ContentDigest): Promise<ManifestRecord | undefined> {
    const stored = await this.#objects.read(manifestKey(repository, digest));
    if (!stored) return undefined;
    const end = stored.indexOf(10);
    const { mediaType } = JSON.parse(stored.toString('utf8', 0, end));
    return { digest, mediaType, bytes: stored.subarray(end + 1) };
  }

  async has(repository: RepositoryName, digest: ContentDigest): Promise<boolean> {
    return (await this.#objects.stat(manifestKey(repository, digest))) !== undefined;
  }

  async write(repository: RepositoryName, { digest, mediaType, bytes }: ManifestRecord): Promise<void> {
    const header = Buffer.from(`${JSON.stringify({ mediaType })}\n`);
    await this.#objects.write(manifestKey(repository, digest), Buffer.concat([header, bytes]));
  }

  async remove(repository: RepositoryName, digest: ContentDigest): Promise<void> {
    await this.#objects.remove(manifestKey(repository, digest));
  }

  async *list(repository: RepositoryName): AsyncIterable<ListedManifest> {
    for await (const { key, modified } of this.#objects.list(manifestsPrefix(repository))) {
      const digest = digestInManifestKey(key);
      if (digest) yield { digest, modified };
    }
  }
}
