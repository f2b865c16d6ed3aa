import type { ContentDigest } from '../content-digest.ts';
import type { RepositoryName } from '../names.ts';
import { referrerKey, referrersPrefix } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** How a manifest that names a subject shows in the list of its subject's referrers. */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: ContentDigest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export class ReferrerRecords {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async list(repository: RepositoryName, subject: ContentDigest): Promise<Referrer[]> {
    const prefix = referrersPrefix(repository, subject);
    const found: Referrer[] = [];
    for (const name of await this.#objects.children(prefix)) {
      const stored = await this.#objects.read(prefix + name);
      if (stored) found.push(JSON.parse(stored.toString()));
    }
    return found;
  }

  async write(repository: RepositoryName, subject: ContentDigest, referrer: Referrer): Promise<void> {
    await this.#objects.write(referrerKey(repository, subject, referrer.digest), JSON.stringify(referrer));
  }

  async remove(repository: RepositoryName, subject: ContentDigest, referrer: ContentDigest): Promise<void> {
    await this.#objects.remove(referrerKey(repository, subject, referrer));
  }
}
