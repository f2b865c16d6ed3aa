import type { Digest } from '@wharf/oci/digest';
import type { LayerStore } from '@wharf/store/layers/layer-store';
import type { Collection, Database } from '@wharf/store/metadata/database';

/** What a step made of what it was given; by its key, which holds the content of all that it reads. */
export interface CachedStep {
  /** The layer that it added. */
  readonly layer: Digest;
  readonly description: string;
  /** Bytes of the layer's files. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly usageCount: number;
}

interface NewStep extends Pick<CachedStep, 'layer' | 'description' | 'size'> {
  readonly createdAt?: number | undefined;
}

/** Layers that builds made, kept for builds to come. Its rows keep them from being collected. */
export class BuildCache {
  readonly #steps: Collection<CachedStep>;
  readonly #layers: Pick<LayerStore, 'has'>;

  constructor({ database, layers }: { database: Database; layers: Pick<LayerStore, 'has'> }) {
    this.#steps = database.collection<CachedStep>('build-steps', { relaxed: true });
    this.#layers = layers;
  }

  entries(): IterableIterator<[key: string, step: CachedStep]> {
    return this.#steps.entries();
  }

  /** Where its layer is here. */
  find(key: string): CachedStep | undefined {
    const step = this.#steps.get(key);
    if (!step) return undefined;
    if (!this.#layers.has(step.layer)) {
      this.#steps.delete(key);
      return undefined;
    }
    this.#steps.put(key, { ...step, lastUsedAt: Date.now(), usageCount: step.usageCount + 1 });
    return step;
  }

  has(key: string): boolean {
    return this.#steps.has(key);
  }

  /** A layer that was made elsewhere was made when that says. */
  put(key: string, { layer, description, size, createdAt }: NewStep): CachedStep {
    const now = Date.now();
    const step = { layer, description, size, createdAt: createdAt ?? now, lastUsedAt: now, usageCount: 1 };
    this.#steps.put(key, step);
    return step;
  }

  remove(key: string): CachedStep | undefined {
    const step = this.#steps.get(key);
    this.#steps.delete(key);
    return step;
  }
}
