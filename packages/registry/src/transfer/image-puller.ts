import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import { SingleFlight } from '@wharf/base/single-flight';
import { together } from '@wharf/base/together';
import type { Descriptor } from '@wharf/oci/descriptor';
import { type Digest, isDigest } from '@wharf/oci/digest';
import type { ImageConfig } from '@wharf/oci/image-config';
import { type Manifest, parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import { choosePlatform, formatPlatform, hostPlatform, matchesPlatform, type Platform } from '@wharf/oci/platform';
import { formatCanonical, formatFamiliar, type Reference } from '@wharf/oci/reference';
import type { Lease } from '@wharf/store/content/leases';
import { recordImage } from '@wharf/store/images/tag-image';
import type { Credentials } from '../client/credentials.ts';
import type { FetchedManifest } from '../client/manifest-response.ts';
import type { Repository } from '../client/repository.ts';
import { type Wait, withRetries } from '../client/retry.ts';
import type { OpenBlob } from './download-blob.ts';
import { explainPullFailure } from './explain-failure.ts';
import { fetchContent } from './fetch-content.ts';
import { fetchLayer, hasLayer, type LayerState, type RemoteLayer } from './fetch-layer.ts';
import { LayerProgress, type Progress } from './layer-progress.ts';
import { noteSources } from './note-sources.ts';
import { openRemoteBlob } from './open-remote-blob.ts';
import { SharedWork } from './shared-work.ts';
import { Slots } from './slots.ts';
import type { TransferDeps } from './transfer-deps.ts';

export interface PullOptions {
  /** Undefined takes what runs on this machine. */
  readonly platform?: Platform;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** One platform's image, whole in the store. It is kept while the lease that it was fetched with is open. */
export interface FetchedImage {
  /** What the reference stands for: an index, or the manifest itself. */
  readonly target: Descriptor;
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  readonly configDigest: Digest;
  readonly diffIds: readonly Digest[];
}

interface Chosen {
  readonly target: FetchedManifest;
  readonly manifest: FetchedManifest;
  /** The descriptor of the index, with its platform, where there is one. */
  readonly descriptor: Descriptor;
}

/** Brings images here from registries. Opened once: what several pulls want at the same time is fetched once. */
export class ImagePuller {
  readonly #deps: TransferDeps;
  readonly #layers = new SharedWork<void, LayerState>();
  readonly #contents = new SingleFlight<Buffer>();
  readonly #slots: Slots;

  constructor(deps: TransferDeps) {
    this.#deps = deps;
    this.#slots = new Slots(() => deps.limits().downloads);
  }

  /** Pulls one tag or digest and names it. Resolves with whether it was new here. */
  async pull(reference: Reference, options: PullOptions): Promise<{ image: Digest; isNew: boolean }> {
    const { parts, fault } = this.#deps;
    const { progress } = options;
    using lease = parts.leases.open();
    const name = formatCanonical(reference);
    const before = parts.tags.get(name)?.imageId;
    const chosen = await this.#resolve(reference, options);
    progress({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? '' });
    const isHere = before === chosen.target.descriptor.digest && this.#isWhole(chosen);
    if (!isHere) {
      await this.#fetch(reference, chosen, { ...options, lease });
      fault('pull.record');
      recordImage(parts, chosen.target.descriptor, [reference]);
      parts.pulls.delete(name);
    }
    progress({ status: `Digest: ${chosen.target.descriptor.digest}` });
    const outcome = isHere ? 'Image is up to date for' : 'Downloaded newer image for';
    progress({ status: `Status: ${outcome} ${formatFamiliar(reference)}` });
    this.#warnOfPlatform(reference, chosen, options);
    return { image: chosen.target.descriptor.digest, isNew: !isHere };
  }

  /** Every tag of the repository, one after another. */
  async pullAll(
    { domain, path }: Reference,
    options: PullOptions,
    onPulled: (reference: Reference) => void,
  ): Promise<void> {
    const { credentials, signal } = options;
    const repository = this.#deps.client.repository({ domain, path }, credentials);
    const tags: string[] = [];
    try {
      for await (const tag of repository.tags(signal)) tags.push(tag);
    } catch (error) {
      throw await explainPullFailure(error, { reference: { domain, path }, repository, credentials, signal });
    }
    if (tags.length === 0) throw notFound(`No tags found for ${formatFamiliar({ domain, path })}`);
    for (const tag of tags) {
      const reference = { domain, path, tag };
      await this.pull(reference, options);
      onPulled(reference);
    }
  }

  /** Brings the content and layers of an image here without a name, for who works with them under `lease`. */
  async fetch(reference: Reference, options: PullOptions & { lease: Lease }): Promise<FetchedImage> {
    const chosen = await this.#resolve(reference, options);
    const fetched = await this.#fetch(reference, chosen, options);
    this.#warnOfPlatform(reference, chosen, options);
    return fetched;
  }

  /** Brings one layer here that no image names, from wherever `open` finds it. Who wants it holds a lease. */
  async fetchLayer(
    layer: RemoteLayer,
    { open, signal, progress }: { open: OpenBlob; signal: AbortSignal; progress: Progress },
  ): Promise<void> {
    if (!isLayerType(layer.descriptor.mediaType)) throw unsupportedLayer(layer.descriptor);
    await this.#fetchLayer(open, layer, { signal, progress });
  }

  /** The manifest or index that a reference stands for now. */
  async resolveTarget(
    reference: Reference,
    options: Pick<PullOptions, 'credentials' | 'signal'> & { progress?: Progress },
  ): Promise<FetchedManifest> {
    const { parts, client, limits } = this.#deps;
    const { credentials, signal, progress } = options;
    const repository = client.repository(reference, credentials);
    const wanted = reference.digest ?? reference.tag ?? 'latest';
    const onWait = ({ seconds, error }: Wait) =>
      progress?.({ status: `Waiting ${seconds.toFixed(0)} seconds before the next try: ${error.message}` });
    const known =
      parts.tags.has(formatCanonical(reference)) || (reference.digest && parts.images.has(reference.digest));
    try {
      return await withRetries({ attempts: limits().attempts, signal, onWait, evenIfAbsent: false }, async () => {
        const resolved = known ? await repository.resolve(wanted, signal) : undefined;
        const stored = resolved && parts.images.get(resolved.digest)?.target;
        if (stored && parts.content.has(stored.digest)) {
          return { descriptor: stored, bytes: parts.content.read(stored.digest) };
        }
        return repository.manifest(wanted, signal);
      });
    } catch (error) {
      throw await explainPullFailure(error, { reference, repository, credentials, signal });
    }
  }

  async #resolve(reference: Reference, options: PullOptions): Promise<Chosen> {
    const { credentials, signal, platform } = options;
    const target = await this.resolveTarget(reference, options);
    const repository = this.#deps.client.repository(reference, credentials);
    let manifest = target;
    let descriptor = target.descriptor;
    for (let depth = 0; isIndexType(manifest.descriptor.mediaType); depth++) {
      if (depth >= 4) throw invalidArgument('invalid index: indexes are nested too deeply');
      descriptor = chooseManifest(parseIndex(manifest.bytes).manifests, platform);
      manifest = await this.#manifest(repository, descriptor, signal);
    }
    const { config } = parseManifest(manifest.bytes);
    if (!isImageConfigType(config.mediaType)) {
      throw invalidArgument(
        `Encountered remote ${JSON.stringify(config.mediaType)} when fetching: it is an artifact, and no image that could run`,
      );
    }
    return { target, manifest, descriptor };
  }

  async #manifest(repository: Repository, descriptor: Descriptor, signal: AbortSignal): Promise<FetchedManifest> {
    const { parts, limits } = this.#deps;
    const { digest } = descriptor;
    if (parts.content.has(digest)) return { descriptor, bytes: parts.content.read(digest) };
    const fetched = await withRetries({ attempts: limits().attempts, signal }, () =>
      repository.manifest(digest, signal),
    );
    if (fetched.bytes.length !== descriptor.size) {
      throw new EngineError('data_loss', `manifest ${digest} has not the size that its index says`);
    }
    return { descriptor: { ...fetched.descriptor, ...descriptor }, bytes: fetched.bytes };
  }

  #isWhole({ target, manifest }: Chosen): boolean {
    const { images, catalog } = this.#deps.parts;
    const image = images.get(target.descriptor.digest);
    if (!image) return false;
    return catalog.platforms(image).some(({ descriptor }) => descriptor.digest === manifest.descriptor.digest);
  }

  /** Docker takes an image that has only one platform anyway, and says so each time. */
  #warnOfPlatform(reference: Reference, { manifest }: Chosen, { platform, progress }: PullOptions): void {
    const { content } = this.#deps.parts;
    const { digest } = parseManifest(manifest.bytes).config;
    // Somebody may have removed it again already.
    if (!platform || !content.has(digest)) return;
    const config = parseImageConfig(content.read(digest));
    if (matchesPlatform(platform, config)) return;
    progress({
      status: `WARNING: image with reference ${formatFamiliar(reference)} was found but its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(platform)})`,
    });
  }

  async #fetch(
    reference: Reference,
    { target, manifest }: Chosen,
    { credentials, signal, progress, lease }: PullOptions & { lease: Lease },
  ): Promise<FetchedImage> {
    const { parts, client } = this.#deps;
    const repository = client.repository(reference, credentials);
    const parsed = parseManifest(manifest.bytes);
    const blobs = [target.descriptor, manifest.descriptor, parsed.config, ...parsed.layers].map(({ digest }) => digest);
    lease.protect(blobs);
    const configBytes = await this.#content(repository, parsed.config, { reference, signal });
    const config = parseImageConfig(configBytes);
    const layers = layersOf(parsed, config);
    lease.protect(layers.map(({ diffId }) => diffId));
    parts.pulls.put(formatCanonical(reference), {
      since: Date.now(),
      digests: [...blobs, ...layers.map(({ diffId }) => diffId)],
    });
    const small = [target.bytes, manifest.bytes].map((bytes) => parts.content.write(bytes));
    await together([this.#fetchLayers(repository, layers, { signal, progress }), ...small]);
    await parts.content.sync();
    signal.throwIfAborted();
    parts.database.transaction(() => {
      for (const { descriptor, diffId } of layers) noteSources(parts, reference, descriptor.digest, diffId);
    });
    return {
      target: target.descriptor,
      manifest: manifest.descriptor,
      config,
      configDigest: parsed.config.digest,
      diffIds: config.rootfs.diff_ids,
    };
  }

  #content(
    repository: Repository,
    descriptor: Descriptor,
    { reference, signal }: { reference: Reference; signal: AbortSignal },
  ): Promise<Buffer> {
    const { parts, limits } = this.#deps;
    const { digest } = descriptor;
    if (parts.content.has(digest)) return Promise.resolve(parts.content.read(digest));
    // Not the one's signal who happens to be first.
    const limit = AbortSignal.timeout(120_000);
    signal.throwIfAborted();
    return this.#contents.run(`${reference.domain}/${reference.path}@${digest}`, async () => {
      const fetch = () => fetchContent(repository, descriptor, limit);
      const bytes = await withRetries({ attempts: limits().attempts, signal: limit }, fetch);
      // Stored before anybody who asks next could think that it has to be fetched.
      await parts.content.write(bytes);
      return bytes;
    });
  }

  /** All at once, as far as there are slots; the first failure calls the others off. */
  async #fetchLayers(
    repository: Repository,
    layers: readonly RemoteLayer[],
    { signal, progress }: { signal: AbortSignal; progress: Progress },
  ): Promise<void> {
    const abort = new AbortController();
    const all = AbortSignal.any([signal, abort.signal]);
    const seen = new Map<Digest, Promise<void>>();
    const begun = layers.map((layer) => {
      const { digest } = layer.descriptor;
      // A layer may be in an image twice.
      const known = seen.get(`${digest} ${layer.diffId}`);
      if (known) return known;
      const open = openRemoteBlob(this.#deps.client.transport, repository, layer.descriptor);
      const work = this.#fetchLayer(open, layer, { signal: all, progress });
      work.catch((error: unknown) => abort.abort(error));
      seen.set(`${digest} ${layer.diffId}`, work);
      return work;
    });
    try {
      await together(begun);
    } catch (error) {
      throw signal.aborted ? signal.reason : abort.signal.aborted ? abort.signal.reason : error;
    }
  }

  async #fetchLayer(
    open: OpenBlob,
    layer: RemoteLayer,
    { signal, progress }: { signal: AbortSignal; progress: Progress },
  ): Promise<void> {
    const { parts } = this.#deps;
    const shown = new LayerProgress(layer.descriptor, progress);
    if (hasLayer(parts, layer)) {
      shown.exists();
      return;
    }
    shown.begin();
    const share = { signal, onProgress: (state: LayerState) => shown.state(state) };
    for (;;) {
      const { outcome, joined } = this.#layers.run(layer.descriptor.digest, share, async (context) => {
        context.progress({ kind: 'waiting' });
        using _slot = await this.#slots.take(context.signal);
        await fetchLayer(this.#deps, layer, { ...context, open });
      });
      try {
        await outcome;
        // Another image may say of the same blob that it is another layer.
        if (!joined || hasLayer(parts, layer)) return;
      } catch (error) {
        // Somebody else's credentials or repository may have been at fault.
        if (!joined || signal.aborted) throw error;
      }
    }
  }
}

/** Throws not_found where an index has nothing for the platform. */
function chooseManifest(manifests: readonly Descriptor[], platform: Platform | undefined): Descriptor {
  const images = manifests.filter(({ platform: of }) => of?.os !== 'unknown');
  const wanted = platform ?? hostPlatform();
  const platformOf = (descriptor: Descriptor) => descriptor.platform ?? wanted;
  const chosen = choosePlatform(images, platformOf, { wanted, anyThatRuns: platform === undefined });
  if (chosen) return chosen;
  const had = images.flatMap(({ platform: of }) => (of ? [formatPlatform(of)] : []));
  const hint = had.length > 0 ? `: it has ${[...new Set(had)].slice(0, 20).join(', ')}` : '';
  throw notFound(`no matching manifest for ${formatPlatform(wanted)} in the manifest list entries${hint}`);
}

const layerType =
  /^application\/vnd\.(oci\.image\.layer(\.nondistributable)?\.v1|docker\.image\.rootfs(\.foreign)?\.diff)\.tar([.+](gzip|zstd))?$/;

function isLayerType(mediaType: string): boolean {
  return layerType.test(mediaType);
}

function unsupportedLayer({ mediaType }: Descriptor): EngineError {
  return invalidArgument(`unsupported layer media type: ${JSON.stringify(mediaType)}`);
}

function layersOf({ layers }: Manifest, { rootfs }: ImageConfig): RemoteLayer[] {
  const diffIds = rootfs.diff_ids;
  if (diffIds.length !== layers.length) {
    throw invalidArgument(`mismatched image rootfs and manifest layers: ${diffIds.length} and ${layers.length}`);
  }
  return layers.map((descriptor, index) => {
    if (!isLayerType(descriptor.mediaType)) throw unsupportedLayer(descriptor);
    if (!isDigest(descriptor.digest)) throw invalidArgument('invalid manifest');
    return { descriptor, diffId: diffIds[index]! };
  });
}
