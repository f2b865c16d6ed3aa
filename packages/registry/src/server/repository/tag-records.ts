import type { ContentDigest } from '../content-digest.ts';
import { isTag, type RepositoryName, type Tag } from '../names.ts';
import { tagKey, tagsPrefix } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface TagRecord {
  readonly digest: ContentDigest;
  /** Milliseconds since 1970 when the tag was pointed there. */
  readonly pushed: number;
  /** When the registry that it comes from was last asked; undefined for a tag of our own. */
  readonly checked?: number;
}

export class TagRecords {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async read(repository: RepositoryName, tag: Tag): Promise<TagRecord | undefined> {
    const stored = await this.#objects.read(tagKey(repository, tag));
    return stored && JSON.parse(stored.toString());
  }

  async write(repository: RepositoryName, tag: Tag, record: TagRecord): Promise<void> {
    await this.#objects.write(tagKey(repository, tag), JSON.stringify(record));
  }

  async remove(repository: RepositoryName, tag: Tag): Promise<void> {
    await this.#objects.remove(tagKey(repository, tag));
  }

  /** Sorted by bytes, as the specification's "lexical order" is read everywhere. */
  async list(repository: RepositoryName): Promise<Tag[]> {
    return (await this.#objects.children(tagsPrefix(repository))).filter(isTag);
  }

  async readAll(repository: RepositoryName): Promise<Map<Tag, TagRecord>> {
    const all = new Map<Tag, TagRecord>();
    for (const tag of await this.list(repository)) {
      const record = await this.read(repository, tag);
      if (record) all.set(tag, record);
    }
    return all;
  }
}
