import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { EngineError } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { AppliedLayer } from '@wharf/store/layers/layer-job';
import type { FileIngest } from '@wharf/store/layers/layer-store';
import { RegistryError } from '../client/registry-error.ts';
import type { Wait } from '../client/retry.ts';
import { downloadBlob, type OpenBlob } from './download-blob.ts';
import type { TransferDeps } from './transfer-deps.ts';
import { WrongDiffId, wrongContent } from './transfer-error.ts';

export interface RemoteLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** How far a layer has come; bytes are those of its blob. */
export type LayerState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'downloading'; readonly received: number }
  | { readonly kind: 'retrying'; readonly seconds: number }
  | { readonly kind: 'downloaded' }
  | { readonly kind: 'extracting'; readonly taken: number }
  | { readonly kind: 'complete' };

export interface FetchLayerOptions {
  readonly open: OpenBlob;
  readonly signal: AbortSignal;
  readonly progress: (state: LayerState) => void;
}

/** True where nothing of the layer has to be fetched or unpacked: both are here, and known to belong together. */
export function hasLayer({ content, layers, blobSources }: ImageParts, { descriptor, diffId }: RemoteLayer): boolean {
  if (!layers.has(diffId)) return false;
  if (descriptor.digest === diffId) return true;
  return content.has(descriptor.digest) && blobSources.get(descriptor.digest)?.diffId === diffId;
}

/**
 * Brings a layer here: its bytes are fetched and unpacked at the same time. Blob and layer become visible when the
 * digests of both are right. What was fetched before a failure is kept, and is where the next fetch goes on.
 */
export async function fetchLayer(deps: TransferDeps, layer: RemoteLayer, options: FetchLayerOptions): Promise<void> {
  const { digest } = layer.descriptor;
  if (deps.parts.content.has(digest) && (await unpackStored(deps, layer, options))) return;
  const first = await attempt(deps, layer, options);
  if (first === undefined) return;
  // A part of an earlier day may hold anything: what came now alone decides.
  if (!first.resumed) throw first.error;
  const second = await attempt(deps, layer, options);
  if (second) throw second.error;
}

/** Resolves with what is wrong with the bytes themselves; throws what kept them from coming. */
async function attempt(
  { parts, fault, limits }: TransferDeps,
  layer: RemoteLayer,
  { open: openBlob, signal, progress }: FetchLayerOptions,
): Promise<{ error: EngineError; resumed: boolean } | undefined> {
  const { descriptor, diffId } = layer;
  const { digest, size } = descriptor;
  const part = parts.content.part(digest);
  const { attempts, download: downloadLimits = {} } = limits();
  const abort = new AbortController();
  const stop = () => abort.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  let unpacking: Unpacking | undefined;
  let downloaded = false;
  let resumed: boolean | undefined;
  try {
    await downloadBlob({
      digest,
      size,
      part,
      open: openBlob,
      attempts,
      signal: abort.signal,
      onProgress: (received) => {
        resumed ??= received > 0;
        progress({ kind: 'downloading', received });
      },
      onGrown: (length) => {
        unpacking ??= new Unpacking(parts, { path: part.file, diffId }, (taken) => {
          if (downloaded) progress({ kind: 'extracting', taken });
        });
        unpacking.grown(length, (error) => abort.abort(error));
      },
      onWait: ({ seconds }: Wait) => progress({ kind: 'retrying', seconds }),
      limits: downloadLimits,
    });
    downloaded = true;
    fault('pull.part');
    progress({ kind: 'downloaded' });
    unpacking ??= new Unpacking(parts, { path: part.file, diffId }, () => undefined);
    const [applied] = await Promise.all([unpacking.end(), syncFile(part.file)]);
    checkLayer(layer, applied);
    signal.throwIfAborted();
    store(parts, layer, { applied, unpacking, fault });
    progress({ kind: 'complete' });
    return undefined;
  } catch (error) {
    await unpacking?.abort();
    if (signal.aborted) throw signal.reason;
    if (!isContentError(error)) throw error;
    rmSync(part.file, { force: true });
    rmSync(part.ranges, { force: true });
    return { error, resumed: resumed === true };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The blob first: a layer without it would be fetched again, a blob without its layer is only unpacked again. */
function store(
  { content, blobSources }: ImageParts,
  { descriptor: { digest }, diffId }: RemoteLayer,
  { applied, unpacking, fault }: { applied: AppliedLayer; unpacking: Unpacking; fault: TransferDeps['fault'] },
): void {
  const { file, ranges } = content.part(digest);
  // A plain tar is made again from its layer.
  if (digest === diffId) rmSync(file, { force: true });
  else content.commit(file, digest);
  rmSync(ranges, { force: true });
  fault('pull.blob');
  unpacking.publish(applied);
  const known = blobSources.get(digest);
  blobSources.put(digest, { repositories: known?.repositories ?? [], diffId });
  fault('pull.layer');
}

/** False where the stored blob turned out to be damaged, and is gone. */
async function unpackStored(
  { parts, fault }: TransferDeps,
  layer: RemoteLayer,
  { signal, progress }: FetchLayerOptions,
): Promise<boolean> {
  const { content, blobSources } = parts;
  const { descriptor, diffId } = layer;
  const size = content.sizeOf(descriptor.digest) ?? 0;
  const unpacking = new Unpacking(parts, { path: content.pathOf(descriptor.digest), diffId }, (taken) =>
    progress({ kind: 'extracting', taken }),
  );
  const stop = () => void unpacking.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    unpacking.grown(size, () => undefined);
    const applied = await unpacking.end();
    checkLayer(layer, applied);
    signal.throwIfAborted();
    unpacking.publish(applied);
    fault('pull.layer');
    const known = blobSources.get(descriptor.digest);
    blobSources.put(descriptor.digest, { repositories: known?.repositories ?? [], diffId });
    progress({ kind: 'complete' });
    return true;
  } catch (error) {
    await unpacking.abort();
    if (signal.aborted) throw signal.reason;
    if (!isContentError(error) || error instanceof WrongDiffId) throw error;
    content.remove(descriptor.digest);
    return false;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A layer being unpacked from a file, from the moment that a worker is free. */
class Unpacking {
  readonly #ingest: Promise<FileIngest>;
  #length = 0;
  #opened: FileIngest | undefined;

  constructor(
    { layers }: ImageParts,
    { path, diffId }: { path: string; diffId: Digest },
    onTaken: (length: number) => void,
  ) {
    this.#ingest = layers.ingestFile(path, diffId, onTaken);
    this.#ingest.then(
      (ingest) => {
        this.#opened = ingest;
        ingest.grown(this.#length);
      },
      () => undefined,
    );
  }

  /** So many bytes are there. `onFailure` is called when they turn out to be no layer. */
  grown(length: number, onFailure: (error: unknown) => void): void {
    if (this.#length === 0) this.#ingest.then(({ applied }) => applied).catch(onFailure);
    this.#length = length;
    this.#opened?.grown(length);
  }

  async end(): Promise<AppliedLayer> {
    return (await this.#ingest).end();
  }

  publish(layer: AppliedLayer): void {
    this.#opened!.publish(layer);
  }

  async abort(): Promise<void> {
    const ingest = await this.#ingest.catch(() => undefined);
    await ingest?.abort();
  }
}

function checkLayer({ descriptor, diffId }: RemoteLayer, { blob, diffId: actual }: AppliedLayer): void {
  if (blob.digest !== descriptor.digest) throw wrongContent(descriptor.digest, blob.digest);
  if (actual !== diffId) throw new WrongDiffId(descriptor.digest, { expected: diffId, actual });
}

/** What is wrong with the bytes, as opposed to what keeps them from coming. */
function isContentError(error: unknown): error is EngineError {
  if (error instanceof RegistryError) return false;
  return error instanceof EngineError && (error.code === 'data_loss' || error.code === 'invalid_argument');
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.datasync();
}
