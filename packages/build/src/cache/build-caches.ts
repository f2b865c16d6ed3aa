import { nowNanos } from '@wharf/base/timestamp';
import { together } from '@wharf/base/together';
import type { Digest } from '@wharf/oci/digest';
import type { Progress } from '@wharf/registry/transfer/layer-progress';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { ExporterRequest } from '../exporters/exporter-request.ts';
import { shown } from '../exporters/run-exporters.ts';
import type { Vertex } from '../solver/graph.ts';
import type { ProgressSink } from '../solver/progress.ts';
import type { CacheLayer, CacheRecord, StepResult } from './cache-config.ts';
import { type CacheImport, parseCacheImport } from './cache-requests.ts';
import type { Definition, Definitions } from './definitions.ts';
import { type ImportDeps, type ImportedCache, importCache, nameOfImport } from './import-cache.ts';

export interface BuildCachesDeps extends ImportDeps {
  readonly parts: ImageParts;
  readonly emit: ProgressSink;
}

interface MadeStep {
  readonly vertex: Vertex;
  readonly step: Digest;
  readonly diffIds: readonly Digest[];
  readonly createdAt: number;
}

/** A layer, and where it can be had. */
interface Offer {
  readonly layer: CacheLayer;
  readonly cache: ImportedCache;
}

/** What one build takes from caches of elsewhere, and what it has for those that it is to fill. */
export class BuildCaches {
  readonly #deps: BuildCachesDeps;
  /** By what they were asked for with. */
  readonly #asked = new Map<string, Promise<void>>();
  readonly #imports: ImportedCache[] = [];
  readonly #made = new Map<Digest, MadeStep>();
  /** Vertices whose inputs were not computed. */
  readonly #whole = new Set<Vertex>();
  readonly #offers = new Map<Digest, Offer>();
  /** Layers that could not be had. */
  readonly #lost = new Set<Digest>();

  constructor(deps: BuildCachesDeps) {
    this.#deps = deps;
  }

  /** Looks into caches that were not asked for before. One that cannot be had is shown, and keeps no build from going on. */
  async import(entries: readonly ExporterRequest[]): Promise<void> {
    // Before anything is asked for: what is not supported says so.
    const requests = entries.map((entry) => [JSON.stringify(entry), parseCacheImport(entry)] as const);
    const asked = requests.map(([name, request]) => {
      let known = this.#asked.get(name);
      if (!known) {
        known = this.#import(request);
        this.#asked.set(name, known);
      }
      return known;
    });
    await together(asked);
  }

  async #import(request: CacheImport): Promise<void> {
    const { signal, emit } = this.#deps;
    try {
      const name = `importing cache manifest from ${nameOfImport(request)}`;
      this.#imports.push(await shown(name, emit, () => importCache(request, this.#deps)));
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }

  get hasImports(): boolean {
    return this.#imports.length > 0;
  }

  /** The layer that a step adds, which is here then. */
  async step(key: string, vertex: Vertex): Promise<CacheLayer | undefined> {
    const record = await this.#bring(stepName(key), vertex, ({ layers }) => layers.slice(-1));
    return record?.layers.at(-1);
  }

  /** The result of a vertex, all layers of which are here then. */
  async result(definition: Definition, vertex: Vertex): Promise<readonly CacheLayer[] | undefined> {
    const record = await this.#bring(definition.name, vertex, ({ layers }) =>
      layers.length === definition.depth ? layers : undefined,
    );
    if (record) this.#whole.add(vertex);
    return record?.layers;
  }

  /** Steps that end in one of these layers, by the keys of this engine's own cache. */
  *stepsOf(layers: readonly CacheLayer[]): Generator<{ readonly key: string; readonly layer: CacheLayer }> {
    const diffIds = layers.map(({ diffId }) => diffId);
    for (const [index, layer] of layers.entries()) {
      for (const { configs } of this.#imports) {
        const steps = configs.flatMap((config) => config.stepsOf(diffIds.slice(0, index + 1)));
        for (const step of steps) yield { key: step.slice('sha256:'.length), layer };
      }
    }
  }

  made(key: string, { vertex, diffIds, createdAt }: Omit<MadeStep, 'step'>): void {
    const step = stepName(key);
    this.#made.set(step, { vertex, step, diffIds, createdAt });
  }

  /** All steps of this build, also those that did not have to be looked at. */
  async results(definitions: Definitions): Promise<readonly StepResult[]> {
    const made = await together(
      [...this.#made.values()].map(async ({ vertex, ...step }) => {
        const definition = await definitions.of({ vertex, index: 0 });
        return { ...step, definition: definition?.name };
      }),
    );
    const results = new Map<Digest, StepResult>(made.map((result) => [result.step, result]));
    for (const vertex of below(this.#whole)) {
      const definition = (await definitions.of({ vertex, index: 0 }))?.name;
      for (const result of definition === undefined ? [] : this.#known(definition)) {
        if (!results.has(result.step)) results.set(result.step, result);
      }
    }
    return [...results.values()];
  }

  /** When a layer was made that a cache has: milliseconds since 1970. */
  createdAt(diffId: Digest): number | undefined {
    return this.#offers.get(diffId)?.layer.createdAt;
  }

  /** Brings layers here that results have and nothing else did. Throws where one cannot be had. */
  async fetch(diffIds: Iterable<Digest>): Promise<void> {
    const offers = [...new Set(diffIds)].flatMap((diffId) => this.#offers.get(diffId) ?? []);
    await together(offers.map((offer) => this.#fetch(offer, undefined)));
  }

  /** The first record of this name whose wanted layers could be had. */
  async #bring(
    name: Digest,
    vertex: Vertex,
    wanted: (record: CacheRecord) => readonly CacheLayer[] | undefined,
  ): Promise<CacheRecord | undefined> {
    for (const { record, cache } of this.#find(name)) {
      const layers = wanted(record)?.map((layer) => ({ layer, cache }));
      if (!layers || layers.some(({ layer }) => this.#lost.has(layer.diffId))) continue;
      try {
        await together(layers.map((offer) => this.#fetch(offer, vertex.digest)));
        return record;
      } catch (error) {
        if (this.#deps.signal.aborted) throw error;
        this.#warn(vertex, cache, error as Error);
      }
    }
    return undefined;
  }

  *#find(name: Digest): Generator<{ readonly record: CacheRecord; readonly cache: ImportedCache }> {
    for (const cache of this.#imports) {
      for (const config of cache.configs) {
        const record = config.find(name);
        if (!record) continue;
        for (const layer of record.layers) {
          if (!this.#offers.has(layer.diffId)) this.#offers.set(layer.diffId, { layer, cache });
        }
        yield { record, cache };
      }
    }
  }

  *#known(definition: Digest): Generator<StepResult> {
    for (const { record, cache } of this.#find(definition)) {
      const diffIds = record.layers.map(({ diffId }) => diffId);
      const steps = cache.configs.flatMap((config) => config.stepsOf(diffIds));
      for (const step of steps) yield { step, definition, diffIds, createdAt: record.createdAt };
    }
  }

  /** Shown as a part of a vertex. */
  async #fetch({ layer, cache }: Offer, vertex: Digest | undefined): Promise<void> {
    const { parts, transfers, signal, emit } = this.#deps;
    const { descriptor, diffId } = layer;
    const { digest: id, size: total } = descriptor;
    if (parts.layers.has(diffId)) {
      parts.leases.note(diffId);
      return;
    }
    const started = nowNanos();
    const tell = (current: number, completed?: bigint) => {
      if (vertex === undefined) return;
      const times = { timestamp: nowNanos(), started, ...(completed !== undefined && { completed }) };
      emit({ kind: 'status', id, vertex, name: id, current, total, ...times });
    };
    try {
      const progress: Progress = ({ status, progressDetail }) => {
        if (status === 'Downloading') tell(progressDetail?.current ?? 0);
      };
      await transfers.puller.fetchLayer(layer, { open: cache.open(descriptor), signal, progress });
      tell(total, nowNanos());
    } catch (error) {
      if (!signal.aborted) this.#lost.add(diffId);
      throw error;
    }
  }

  #warn({ digest: vertex, name }: Vertex, cache: ImportedCache, error: Error): void {
    const short = `the cache ${cache.name} has no usable result of ${name}: ${error.message}`;
    this.#deps.emit({ kind: 'warning', vertex, level: 1, short, detail: [], url: '', ranges: [] });
  }
}

function stepName(key: string): Digest {
  return `sha256:${key}`;
}

/** These vertices and all that they are made of, each once. */
function below(vertices: Iterable<Vertex>): Set<Vertex> {
  const found = new Set(vertices);
  // What is added meanwhile has its turn as well.
  for (const { inputs } of found) for (const { vertex } of inputs) found.add(vertex);
  return found;
}
