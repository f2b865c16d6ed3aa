import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { EngineError } from '@wharf/base/error';
import { type Compression, detectCompression } from '@wharf/oci/layer/compression';
import { createDecompressor } from '../decompressor.ts';
import { DeferredUnpacker } from './deferred-unpacker.ts';
import { DirectInflater } from './direct-inflater.ts';
import type { AppliedLayer, ApplyRequest, BlobOption } from './layer-job.ts';

/** A layer on its way into its directory, on the worker's side: hash, inflate, keep the blob, unpack. */
export class IncomingLayer {
  readonly #blob: BlobOption;
  readonly #unpacker: DeferredUnpacker;
  readonly #hash = createHash('sha256');
  #size = 0;
  #blobFd = -1;
  #compression: Compression = 'none';
  /** For gzip; `#inflater` for the others. */
  #direct: DirectInflater | undefined;
  #inflater: Duplex | undefined;
  #started = false;
  #start: Buffer[] = [];
  #failure: unknown;

  constructor({ directory, blob, known }: ApplyRequest) {
    this.#unpacker = new DeferredUnpacker(directory, known);
    this.#blob = blob;
  }

  async feed(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#started) return this.#feedStarted(bytes);
    this.#start.push(bytes);
    const start = Buffer.concat(this.#start);
    if (start.length < 6) return;
    this.#begin(start);
    return this.#feedStarted(start);
  }

  #begin(start: Buffer): void {
    this.#started = true;
    this.#start = [];
    const compression = detectCompression(start);
    if (compression === 'none') return;
    // A layer in another compression has no media type: only what is in it is kept.
    if (compression === 'gzip' || compression === 'zstd') this.#compression = compression;
    if (this.#compression !== 'none' && this.#blob.keep === 'compressed')
      this.#blobFd = openSync(this.#blob.path, 'wx', 0o600);
    if (compression === 'gzip') {
      this.#direct = new DirectInflater((chunk) => this.#unpacker.feedReused(chunk));
      return;
    }
    this.#inflater = createDecompressor(compression);
    this.#inflater.on('data', (chunk: Buffer) => {
      try {
        if (this.#failure === undefined) this.#unpacker.feed(chunk);
      } catch (error) {
        this.#failure = error;
      }
    });
    this.#inflater.on('error', (error) => {
      this.#failure ??= new EngineError('invalid_argument', `invalid compressed data: ${error.message}`);
    });
  }

  async #feedStarted(bytes: Buffer): Promise<void> {
    const inflater = this.#inflater;
    this.#size += bytes.length;
    if (!inflater && !this.#direct) {
      this.#unpacker.feed(bytes);
      return;
    }
    this.#hash.update(bytes);
    if (this.#blobFd >= 0) for (let done = 0; done < bytes.length; ) done += writeSync(this.#blobFd, bytes, done);
    this.#direct?.write(bytes);
    if (!inflater) return;
    await new Promise<void>((resolve) => {
      inflater.once('close', resolve);
      inflater.write(bytes, () => {
        inflater.off('close', resolve);
        resolve();
      });
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  async end(): Promise<AppliedLayer> {
    if (!this.#started) {
      const start = Buffer.concat(this.#start);
      this.#begin(start);
      await this.#feedStarted(start);
    }
    this.#direct?.end();
    this.#closeDirect();
    if (this.#inflater) {
      this.#inflater.end();
      await finished(this.#inflater).catch(() => {});
      if (this.#failure !== undefined) throw this.#failure;
    }
    const layer = this.#unpacker.end();
    const isCompressed = this.#compression !== 'none';
    const digest = isCompressed ? `sha256:${this.#hash.digest('hex')}` : layer.diffId;
    if (this.#blobFd >= 0) {
      fsyncSync(this.#blobFd);
      closeSync(this.#blobFd);
      this.#blobFd = -1;
    }
    return {
      ...layer,
      blob: { digest, size: isCompressed ? this.#size : layer.tarSize, compression: this.#compression },
    };
  }

  abort(): void {
    this.#closeDirect();
    this.#inflater?.destroy();
    if (this.#blobFd >= 0) closeSync(this.#blobFd);
    this.#blobFd = -1;
    this.#unpacker.abort();
  }

  #closeDirect(): void {
    this.#direct?.close();
    this.#direct = undefined;
  }
}
