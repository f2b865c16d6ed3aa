import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { detectCompression } from '@wharf/oci/layer/compression';
import { isZeroBlock, type TarEntry, verifyChecksum } from '@wharf/oci/layer/tar-header';
import { type TarHandler, TarReader } from '@wharf/oci/layer/tar-reader';
import type { ContentStore } from '../../content/content-store.ts';
import { createDecompressor } from '../../decompressor.ts';
import type { LayerIngest, LayerStore } from '../../layers/layer-store.ts';
import { type ArchiveLayer, ArchiveMembers } from './archive-members.ts';

export interface ReadArchiveParts {
  readonly content: ContentStore;
  readonly layers: LayerStore;
}

/** Told of each layer's bytes as they arrive. */
export type LayerProgress = (name: string, current: number, total: number) => void;

const maximumSmallFile = 64 << 20;
const headLength = 512;

/**
 * Reads an image archive in one pass: layers are unpacked by workers while they arrive, everything else is small and
 * stays in memory. On failure nothing of it is left. Layers that were whole are unreferenced and will be collected.
 */
export async function readArchive(
  parts: ReadArchiveParts,
  archive: Readable,
  { signal, onLayer }: { signal: AbortSignal; onLayer: LayerProgress },
): Promise<ArchiveMembers> {
  const intake = new Intake(parts, onLayer);
  const reader = new TarReader(intake);
  try {
    for await (const chunk of plainBytes(archive)) {
      signal.throwIfAborted();
      reader.feed(chunk);
      await intake.ready();
    }
    signal.throwIfAborted();
    reader.end();
    return await intake.finish();
  } catch (error) {
    await intake.abort();
    throw signal.aborted ? new EngineError('canceled', 'context canceled', { cause: error }) : error;
  }
}

/** Inflates where the first bytes say so. */
async function* plainBytes(archive: Readable): AsyncGenerator<Buffer> {
  const source = archive[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let start: Buffer = Buffer.alloc(0);
  while (start.length < headLength) {
    const next = await source.next();
    if (next.done) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  if (start.length === 0) throw invalidArgument('unexpected EOF');
  const compression = detectCompression(start);
  if (compression === 'none') {
    yield start;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
    return;
  }
  const inflater = createDecompressor(compression);
  const feeding = (async () => {
    let chunk: Buffer | undefined = start;
    while (chunk) {
      if (!inflater.write(chunk)) await new Promise((resolve) => inflater.once('drain', resolve));
      const next: IteratorResult<Buffer> = await source.next();
      chunk = next.done ? undefined : next.value;
    }
    inflater.end();
  })();
  feeding.catch((error: Error) => inflater.destroy(error));
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
  } catch (cause) {
    throw invalidArgument(`invalid compressed data: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

type Sink =
  | { readonly kind: 'memory'; readonly chunks: Buffer[] }
  | { readonly kind: 'layer'; readonly layer: LayerSink };

class Intake implements TarHandler {
  readonly #parts: ReadArchiveParts;
  readonly #onLayer: LayerProgress;
  readonly #members = new ArchiveMembers();
  readonly #commits: Promise<void>[] = [];
  readonly #sinks: LayerSink[] = [];
  #entry: { readonly name: string; readonly size: number } | undefined;
  #head: Buffer[] = [];
  #headSize = 0;
  #sink: Sink | undefined;
  #pending: Promise<void> | undefined;
  #failure: unknown;

  constructor(parts: ReadArchiveParts, onLayer: LayerProgress) {
    this.#parts = parts;
    this.#onLayer = onLayer;
  }

  entry({ type, name: rawName, linkName, size }: TarEntry): void {
    const name = memberName(rawName);
    this.#entry = undefined;
    switch (type) {
      case 'file':
        this.#entry = { name, size };
        this.#head = [];
        this.#headSize = 0;
        this.#sink = undefined;
        return;
      case 'symlink':
        this.#members.addSymlink(name, Buffer.from(linkName, 'latin1').toString());
        return;
      case 'link':
        this.#members.addHardLink(name, memberName(linkName));
        return;
      case 'directory':
        return;
      case 'character':
      case 'block':
      case 'fifo':
        throw invalidArgument(`invalid archive: ${type} device ${JSON.stringify(name)}`);
    }
  }

  data(bytes: Buffer): void {
    const sink = this.#sink;
    if (sink?.kind === 'layer') this.#wait(sink.layer.write(bytes));
    else if (sink) sink.chunks.push(Buffer.from(bytes));
    else {
      this.#head.push(Buffer.from(bytes));
      this.#headSize += bytes.length;
      if (this.#headSize >= headLength) this.#choose();
    }
  }

  endEntry(): void {
    const entry = this.#entry;
    if (!entry) return;
    if (!this.#sink) this.#choose();
    const sink = this.#sink!;
    if (sink.kind === 'memory') this.#members.addFile(entry.name, Buffer.concat(sink.chunks));
    else {
      const commit = sink.layer.commit().then((layer) => this.#members.addLayer(entry.name, layer));
      commit.catch((error: unknown) => {
        this.#failure ??= error;
      });
      this.#commits.push(commit);
    }
  }

  /** Resolves when the next bytes may come. */
  async ready(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) await pending;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async finish(): Promise<ArchiveMembers> {
    await Promise.all(this.#commits);
    return this.#members;
  }

  async abort(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.abort()));
    await Promise.allSettled(this.#commits);
    for (const { ingest } of this.#members.layers()) if (ingest) this.#parts.content.abort(ingest);
  }

  #wait(promise: Promise<void> | undefined): void {
    // The archive may turn out bad before anybody waits for this one.
    promise?.catch(() => undefined);
    if (promise) this.#pending = this.#pending ? this.#pending.then(() => promise) : promise;
  }

  #choose(): void {
    const { name, size } = this.#entry!;
    const head = this.#head.length === 1 ? this.#head[0]! : Buffer.concat(this.#head);
    this.#head = [];
    if (!looksLikeLayer(head)) {
      if (size > maximumSmallFile) throw invalidArgument(`invalid archive: ${JSON.stringify(name)} is too large`);
      this.#sink = { kind: 'memory', chunks: [head] };
      return;
    }
    const layer = new LayerSink(this.#parts, name, (current) => this.#onLayer(name, current, size));
    this.#sinks.push(layer);
    this.#sink = { kind: 'layer', layer };
    this.#wait(layer.write(head));
  }
}

/** One layer on its way to a worker, which may still be busy with another one. */
class LayerSink {
  readonly #content: ContentStore;
  readonly #path: string;
  readonly #opening: Promise<LayerIngest>;
  readonly #onBytes: (current: number) => void;
  #ingest: LayerIngest | undefined;
  #written = 0;
  #state: 'open' | 'committing' | 'done' = 'open';

  constructor({ content, layers }: ReadArchiveParts, name: string, onBytes: (current: number) => void) {
    this.#content = content;
    this.#path = content.newIngest();
    this.#onBytes = onBytes;
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    this.#opening = layers.ingest({ keep: 'compressed', path: this.#path }, hex && `sha256:${hex}`);
    this.#opening.then(
      (ingest) => {
        this.#ingest = ingest;
      },
      () => undefined,
    );
  }

  write(bytes: Buffer): Promise<void> | undefined {
    this.#written += bytes.length;
    this.#onBytes(this.#written);
    if (this.#ingest) return this.#ingest.write(bytes);
    // The slice is only valid during this call.
    const kept = Buffer.from(bytes);
    return this.#opening.then((ingest) => ingest.write(kept));
  }

  async commit(): Promise<ArchiveLayer> {
    this.#state = 'committing';
    const ingest = await this.#opening;
    try {
      const { diffId, blob } = await ingest.commit();
      const path = blob.compression === 'none' ? undefined : this.#path;
      return { diffId, blobDigest: blob.digest, blobSize: blob.size, compression: blob.compression, ingest: path };
    } catch (error) {
      this.#content.abort(this.#path);
      throw error;
    } finally {
      this.#state = 'done';
    }
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'done';
    const ingest = await this.#opening.catch(() => undefined);
    await ingest?.abort();
    this.#content.abort(this.#path);
  }
}

/** Names are keys only: they never become paths. */
function memberName(bytes: string): string {
  const name = posix.normalize(Buffer.from(bytes, 'latin1').toString());
  return name.replace(/^(\.?\/)+/, '');
}

/** Tar or compressed. JSON and text are neither. */
function looksLikeLayer(head: Buffer): boolean {
  if (head.length < headLength) return head.length >= 6 && detectCompression(head) !== 'none';
  if (detectCompression(head) !== 'none') return true;
  const block = head.subarray(0, headLength);
  if (block.toString('latin1', 257, 262) === 'ustar' || isZeroBlock(block)) return true;
  try {
    verifyChecksum(block);
    return true;
  } catch {
    return false;
  }
}
