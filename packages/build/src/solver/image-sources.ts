import { notFound } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { hostPlatform, matchesPlatform, type Platform } from '@wharf/oci/platform';
import { formatCanonical, formatFamiliar, parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import type { Credentials } from '@wharf/registry/client/credentials';
import type { Progress } from '@wharf/registry/transfer/layer-progress';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { PlatformImage } from '@wharf/store/images/image-catalog';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { ResolvedImage, ResolveImage } from './frontend.ts';

export interface ImageSourceOptions {
  readonly credentials: (domain: string) => Credentials | Promise<Credentials>;
  readonly signal: AbortSignal;
  readonly onPull: Progress;
}

/** An image that a build begins with. */
export interface BaseImage {
  readonly layers: readonly Digest[];
  /** Of each layer as its manifest has it, by diffId. */
  readonly descriptors: ReadonlyMap<Digest, Descriptor>;
}

/** The images that a build reads: those that are here, pulled where they are missing or a fresh one is wanted. */
export class ImageSources {
  readonly #parts: ImageParts;
  readonly #transfers: Transfers;
  readonly #options: ImageSourceOptions;

  constructor(parts: ImageParts, transfers: Transfers, options: ImageSourceOptions) {
    this.#parts = parts;
    this.#transfers = transfers;
    this.#options = options;
  }

  async resolve(text: string, { platform, resolveMode }: ResolveImage): Promise<ResolvedImage> {
    const reference = withDefaultTag(parseReference(text));
    let found = resolveMode === 'pull' ? undefined : this.#find(reference, platform);
    if (!found) {
      if (resolveMode === 'local') throw notFound(`No such image: ${formatFamiliar(reference)}`);
      found = await this.#pull(reference, platform);
    }
    const { id, image } = found;
    const config = this.#parts.content.read(image.manifest.config.digest);
    return { reference: formatCanonical(reference), digest: id, config };
  }

  /** `docker.io/library/busybox:latest@sha256:...`, as `resolve` has named it. */
  async base(text: string, platform: Platform | undefined): Promise<BaseImage> {
    const reference = parseReference(text);
    const found = this.#find(reference, platform) ?? (await this.#pull(reference, platform));
    const { diffIds, manifest } = found.image;
    return { layers: diffIds, descriptors: new Map(diffIds.map((diffId, index) => [diffId, manifest.layers[index]!])) };
  }

  #find(reference: Reference, platform: Platform | undefined): { id: Digest; image: PlatformImage } | undefined {
    const { images, tags, catalog } = this.#parts;
    const id = reference.digest ?? tags.get(formatCanonical(reference))?.imageId;
    const stored = id === undefined ? undefined : images.get(id);
    if (!stored) return undefined;
    const wanted = platform ?? hostPlatform();
    const all = catalog.platforms(stored);
    const image = all.find(({ config }) => matchesPlatform(wanted, config)) ?? (platform ? undefined : all[0]);
    return image && { id: stored.id, image };
  }

  async #pull(reference: Reference, platform: Platform | undefined): Promise<{ id: Digest; image: PlatformImage }> {
    const { credentials, signal, onPull } = this.#options;
    const options = { credentials: await credentials(reference.domain), signal, progress: onPull };
    const { image } = await this.#transfers.puller.pull(reference, { ...options, ...(platform && { platform }) });
    const stored = this.#parts.images.get(image);
    const wanted = platform ?? hostPlatform();
    const all = stored ? this.#parts.catalog.platforms(stored) : [];
    const chosen = all.find(({ config }) => matchesPlatform(wanted, config)) ?? all[0];
    if (!stored || !chosen) throw notFound(`No such image: ${formatFamiliar(reference)}`);
    return { id: stored.id, image: chosen };
  }
}
