import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeWebStream } from 'node:stream/web';
import { notFound } from '@wharf/base/error';
import { together } from '@wharf/base/together';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { Platform } from '@wharf/oci/platform';
import { familiarName, formatCanonical, formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';
import { recordPushed } from '@wharf/store/images/tag-image';
import type { Credentials } from '../client/credentials.ts';
import { mountBlob } from '../client/mount-blob.ts';
import { RegistryError } from '../client/registry-error.ts';
import type { Repository } from '../client/repository.ts';
import { type Wait, withRetries } from '../client/retry.ts';
import { explainPushFailure } from './explain-failure.ts';
import type { Progress } from './layer-progress.ts';
import { noteSources } from './note-sources.ts';
import { packLayer } from './pack-layer.ts';
import { type PushedBlob, type PushedManifest, packedType, planPush, rewrite } from './push-plan.ts';
import { PushProgress } from './push-progress.ts';
import { Slots } from './slots.ts';
import type { TransferDeps } from './transfer-deps.ts';
import { type UploadSource, uploadBlob } from './upload-blob.ts';

export interface PushOptions {
  /** Of an image for several; undefined pushes all of it. */
  readonly platform?: Platform;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface PushTargetOptions extends PushOptions {
  /** Without a tag it is known by its digest alone. */
  readonly reference: Reference;
  /** Layers that are kept as their files go out unpacked. */
  readonly keepPlain: boolean;
}

interface Push extends PushOptions {
  readonly reference: Reference;
  readonly keepPlain?: boolean;
  readonly repository: Repository;
  /** By digest, so that a blob of several manifests goes once. */
  readonly blobs: Map<Digest, Promise<Descriptor>>;
}

/** Takes images to registries: what is there already stays, what is in a neighbouring repository is mounted. */
export class ImagePusher {
  readonly #deps: TransferDeps;
  readonly #slots: Slots;
  /** They cost nothing but the way there and back. */
  readonly #questions = new Slots(() => 16);

  constructor(deps: TransferDeps) {
    this.#deps = deps;
    this.#slots = new Slots(() => deps.limits().uploads);
  }

  /** Pushes a tag, or every tag of the repository where none is named. `onPushed` is told of each. */
  async push(reference: Reference, options: PushOptions, onPushed: (reference: Reference) => void): Promise<void> {
    const { client } = this.#deps;
    const { credentials, progress } = options;
    const names = reference.tag === undefined ? this.#tagsOf(reference) : [this.#known(reference)];
    const repository = client.repository(reference, credentials);
    progress({ status: `The push refers to repository [${reference.domain}/${reference.path}]` });
    await repository.settlePushHost(options.signal);
    const blobs = new Map<Digest, Promise<Descriptor>>();
    for (const name of names) {
      try {
        await this.#pushTag({ ...options, reference: name, repository, blobs });
      } catch (error) {
        throw options.signal.aborted ? options.signal.reason : explainPushFailure(error, reference, credentials);
      }
      onPushed(name);
    }
  }

  /** Pushes what is in the store, whether it is recorded as an image or not. Answers what the registry knows it as. */
  async pushTarget(target: Descriptor, options: PushTargetOptions): Promise<Descriptor> {
    const { client, parts } = this.#deps;
    const { reference, credentials, signal } = options;
    const repository = client.repository(reference, credentials);
    using lease = parts.leases.open();
    const { root } = planPush(parts, { id: target.digest, target, lastTagTime: '' }, undefined);
    lease.protect(digestsOf(root));
    try {
      await repository.settlePushHost(signal);
      const push = { ...options, repository, blobs: new Map() };
      const { descriptor } = await this.#pushManifest(push, root, reference.tag);
      if (parts.images.has(target.digest)) recordPushed(parts, reference, target.digest, descriptor.digest);
      return descriptor;
    } catch (error) {
      throw signal.aborted ? signal.reason : explainPushFailure(error, reference, credentials);
    }
  }

  #known(reference: Reference): Reference {
    if (this.#deps.parts.tags.has(formatCanonical(reference))) return reference;
    throw notFound(`tag does not exist: ${formatFamiliar(reference)}`);
  }

  #tagsOf({ domain, path }: Reference): Reference[] {
    const all = [...this.#deps.parts.tags.values()].map(({ reference }) => parseReference(reference));
    const own = all.filter((other) => other.domain === domain && other.path === path && other.tag !== undefined);
    if (own.length > 0) return own.sort((a, b) => (a.tag! < b.tag! ? -1 : 1));
    throw notFound(`An image does not exist locally with the tag: ${familiarName({ domain, path })}`);
  }

  async #pushTag(push: Push): Promise<void> {
    const { parts } = this.#deps;
    const { reference, platform, progress } = push;
    const image = parts.images.get(parts.tags.get(formatCanonical(reference))?.imageId ?? '');
    if (!image) throw notFound(`tag does not exist: ${formatFamiliar(reference)}`);
    using lease = parts.leases.open();
    const { root, instead } = planPush(parts, image, platform);
    lease.protect([image.id, ...digestsOf(root)]);
    if (instead) {
      progress({
        status: 'Not all multiplatform-content is present and only the available single-platform image was pushed',
      });
      progress({ aux: { manifestPushedInsteadOfIndex: true, ...instead } });
    }
    const { descriptor } = await this.#pushManifest(push, root, reference.tag);
    recordPushed(parts, reference, image.id, descriptor.digest);
    const { digest, size } = descriptor;
    progress({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
    progress({ progressDetail: {}, aux: { Tag: reference.tag, Digest: digest, Size: size } });
  }

  /** What it needs first, then the manifest: a registry never has one that is not whole. */
  async #pushManifest(push: Push, manifest: PushedManifest, tag: string | undefined): Promise<PushedManifest> {
    const { repository, signal } = push;
    const replaced = new Map<string, Descriptor>();
    const children = await together(
      manifest.children.map(
        async (child) => [child.descriptor, (await this.#pushManifest(push, child, undefined)).descriptor] as const,
      ),
    );
    const blobs = await together(
      manifest.blobs.map(async (blob) => [blob.descriptor, await this.#pushBlob(push, blob)] as const),
    );
    for (const [before, after] of [...children, ...blobs]) {
      if (before.digest !== after.digest) replaced.set(before.digest, after);
    }
    const { descriptor, bytes } = rewrite(manifest, replaced);
    const content = { mediaType: descriptor.mediaType, bytes: new Uint8Array(bytes) };
    await this.#again(push, () => repository.putManifest(tag ?? descriptor.digest, content, signal));
    return { ...manifest, descriptor, bytes };
  }

  #pushBlob(push: Push, blob: PushedBlob): Promise<Descriptor> {
    const { digest } = blob.descriptor;
    let work = push.blobs.get(digest);
    if (!work) {
      work = this.#sendBlob(push, blob);
      work.catch(() => undefined);
      push.blobs.set(digest, work);
    }
    return work;
  }

  async #sendBlob(push: Push, { descriptor, diffId, pack: mayPack }: PushedBlob): Promise<Descriptor> {
    const { parts, fault } = this.#deps;
    const { signal } = push;
    const pack = mayPack && !push.keepPlain;
    // A config is too small to be told of.
    const shown = new PushProgress(diffId ?? descriptor.digest, diffId === undefined ? () => undefined : push.progress);
    const known = pack && diffId ? parts.compressedLayers.get(diffId) : undefined;
    if (!pack || known) {
      using _question = await this.#questions.take(signal);
      const target = known ? packed(descriptor, known) : descriptor;
      if (await this.#isThere(push, target.digest, shown)) return target;
    }
    shown.say('Waiting');
    using _slot = await this.#slots.take(signal);
    if (!pack || !diffId) {
      await this.#upload(push, this.#source(descriptor), shown);
      return descriptor;
    }
    using layer = await packLayer(parts, { diffId, signal, onTaken: (size) => shown.sent(size, descriptor.size) });
    fault('push.packed');
    const target = packed(descriptor, layer);
    // It may have become another since: compressors change with the runtime.
    if (target.digest !== known?.digest && (await this.#isThere(push, target.digest, shown))) return target;
    const { content, size, digest } = layer;
    const open = (offset: number) =>
      'path' in content
        ? readFile(content.path, offset)
        : (new Uint8Array(
            content.bytes.buffer,
            content.bytes.byteOffset + offset,
            size - offset,
          ) as Uint8Array<ArrayBuffer>);
    await this.#upload(push, { digest, size, open }, shown);
    parts.blobSources.put(digest, { repositories: parts.blobSources.get(digest)?.repositories ?? [], diffId });
    return target;
  }

  /** True once the repository has the blob, if need be by way of another repository of the same registry. */
  async #isThere(push: Push, digest: Digest, shown: PushProgress): Promise<boolean> {
    const { repository, signal, reference } = push;
    if (await this.#again(push, () => repository.hasBlob(digest, signal))) {
      shown.say('Layer already exists');
      noteSources(this.#deps.parts, reference, digest);
      return true;
    }
    for (const source of this.#deps.parts.blobSources.get(digest)?.repositories ?? []) {
      const { domain, path } = splitRepository(source);
      if (domain !== reference.domain || path === reference.path) continue;
      try {
        const { mounted } = await mountBlob(repository, { digest, from: path, signal });
        if (!mounted) continue;
        shown.say(`Mounted from ${path}`);
        noteSources(this.#deps.parts, reference, digest);
        return true;
      } catch (error) {
        // Who may not read there may still push here.
        if (!(error instanceof RegistryError)) throw error;
      }
    }
    return false;
  }

  async #upload(push: Push, source: UploadSource, shown: PushProgress): Promise<void> {
    const { repository, signal, reference } = push;
    await uploadBlob(source, {
      repository,
      signal,
      attempts: this.#deps.limits().attempts,
      onProgress: (sent) => shown.sent(sent, source.size),
      onWait: ({ seconds }: Wait) => shown.say(`Retrying in ${Math.max(1, Math.round(seconds))} seconds`),
    });
    this.#deps.fault('push.blob');
    shown.say('Pushed');
    noteSources(this.#deps.parts, reference, source.digest);
  }

  #source({ digest, size }: Descriptor): UploadSource {
    const { content, layers } = this.#deps.parts;
    if (content.has(digest)) return { digest, size, open: (offset) => readFile(content.pathOf(digest), offset) };
    return { digest, size, open: (offset) => toWeb(Readable.from(skip(layers.openTar(digest), offset))) };
  }

  #again<T>({ signal }: Push, body: () => Promise<T>): Promise<T> {
    return withRetries({ attempts: this.#deps.limits().attempts, signal, evenIfAbsent: false }, body);
  }
}

function packed(descriptor: Descriptor, { digest, size }: { digest: Digest; size: number }): Descriptor {
  return { ...descriptor, mediaType: packedType(descriptor.mediaType), digest, size };
}

function digestsOf({ descriptor, children, blobs }: PushedManifest): Digest[] {
  const own = blobs.flatMap((blob) => [blob.descriptor.digest, ...(blob.diffId ? [blob.diffId] : [])]);
  return [descriptor.digest, ...own, ...children.flatMap(digestsOf)];
}

function splitRepository(repository: string): { domain: string; path: string } {
  const slash = repository.indexOf('/');
  return { domain: repository.slice(0, slash), path: repository.slice(slash + 1) };
}

function readFile(path: string, start: number): ReadableStream<Uint8Array> {
  return toWeb(createReadStream(path, { start, highWaterMark: 1 << 20 }));
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as NodeWebStream as ReadableStream<Uint8Array>;
}

async function* skip(stream: Readable, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left > 0 ? chunk.subarray(left) : chunk;
      left = 0;
    }
  }
}
