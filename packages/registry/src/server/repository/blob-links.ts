import type { ContentDigest } from '../content-digest.ts';
import type { RepositoryName } from '../names.ts';
import { blobKey, blobMarkerKey, linkKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { CollectionMarkers } from './markers.ts';

export interface BlobLinksDeps {
  readonly objects: ObjectStore;
  readonly markers: CollectionMarkers;
  /** How long, in milliseconds, a blob that nothing refers to is left alone: a push's lease on it. */
  readonly grace: number;
}

/** Blobs are stored once; a link says that a repository has one, and its age is the lease of a push on it. */
export class BlobLinks {
  readonly #deps: BlobLinksDeps;

  constructor(deps: BlobLinksDeps) {
    this.#deps = deps;
  }

  /** The blob's size; undefined where this repository does not have it. */
  async find(repository: RepositoryName, digest: ContentDigest): Promise<number | undefined> {
    const { objects } = this.#deps;
    const [link, blob] = await Promise.all([objects.stat(linkKey(digest, repository)), objects.stat(blobKey(digest))]);
    return link && blob?.size;
  }

  /** As `find`, and a push may rely on the answer for as long as a lease lasts. */
  async lease(repository: RepositoryName, digest: ContentDigest): Promise<number | undefined> {
    const { objects, grace } = this.#deps;
    const key = linkKey(digest, repository);
    const link = await objects.stat(key);
    if (!link) return undefined;
    if (link.modified < Date.now() - grace / 2 && !(await objects.touch(key))) return undefined;
    return (await objects.stat(blobKey(digest)))?.size;
  }

  /** Gives a repository a blob that is in the store; false where it is not any more. */
  async link(repository: RepositoryName, digest: ContentDigest): Promise<boolean> {
    const { objects } = this.#deps;
    await this.claim(repository, digest);
    if (await objects.stat(blobKey(digest))) return true;
    await this.unlink(repository, digest);
    return false;
  }

  /** Links to content that is about to be there. No collector takes the content once this has resolved. */
  async claim(repository: RepositoryName, digest: ContentDigest): Promise<void> {
    const { objects, markers } = this.#deps;
    await objects.write(linkKey(digest, repository), '');
    await markers.awaitAbsence(blobMarkerKey(digest));
  }

  async unlink(repository: RepositoryName, digest: ContentDigest): Promise<void> {
    await this.#deps.objects.remove(linkKey(digest, repository));
  }
}
