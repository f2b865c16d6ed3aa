import { invalidArgument } from '@wharf/base/error';
import { type Digest, isDigest } from '@wharf/oci/digest';
import type { RemoteLayer } from '@wharf/registry/transfer/fetch-layer';

/** The media type of what BuildKit's registry and local caches begin with. */
export const cacheConfigType = 'application/vnd.buildkit.cacheconfig.v0';

/** A layer of a cache, and when the build that made it made it: milliseconds since 1970. */
export interface CacheLayer extends RemoteLayer {
  readonly createdAt?: number | undefined;
}

/** What a step made: the layers of its whole result, bottom to top. */
export interface CacheRecord {
  readonly layers: readonly CacheLayer[];
  readonly createdAt: number | undefined;
}

/** What a step of this build made, and the names by which other builds find it. */
export interface StepResult {
  /** The step by the content of all that it reads. */
  readonly step: Digest;
  /** The step by how all that it reads is made, where that can be said. */
  readonly definition: Digest | undefined;
  /** Of its whole result, bottom to top. */
  readonly diffIds: readonly Digest[];
  readonly createdAt: number | undefined;
}

/**
 * The config of a cache in BuildKit's format, version 0: layers, each on another one, and records, each of which names
 * its last layer, or all of them one by one. A record that has inputs stands for a definition and leads to its step.
 */
export interface EncodedConfig {
  readonly layers: readonly EncodedLayer[];
  readonly records: readonly EncodedRecord[];
}

interface EncodedLayer {
  readonly blob: Digest;
  /** The place of the layer below; -1 has none, and 0 may be left out. */
  readonly parent?: number;
  readonly annotations?: {
    readonly mediaType?: string;
    readonly diffID?: Digest;
    readonly size?: number;
    readonly createdAt?: string;
  };
}

export interface EncodedRecord {
  readonly digest: Digest;
  readonly layers?: readonly { readonly layer: number; readonly createdAt?: string }[];
  readonly chains?: readonly { readonly layers: readonly number[]; readonly createdAt?: string }[];
  readonly inputs?: readonly (readonly { readonly selector?: string; readonly link: number }[])[];
}

/** Of one cache: a build has that many steps at most, and those of other builds may be in it as well. */
const most = { layers: 20_000, records: 50_000, depth: 512 };

/** Every layer once for each that it lies on. */
export function encodeCacheConfig(
  results: readonly StepResult[],
  layerOf: (diffId: Digest) => CacheLayer,
): EncodedConfig {
  const layers: EncodedLayer[] = [];
  const places = new Map<string, number>();
  const placeOf = (diffIds: readonly Digest[]): number => {
    let parent = -1;
    for (const { descriptor, diffId, createdAt } of diffIds.map(layerOf)) {
      const name = `${parent} ${descriptor.digest}`;
      let place = places.get(name);
      if (place === undefined) {
        place = layers.length;
        const { mediaType, digest: blob, size } = descriptor;
        const annotations = { mediaType, diffID: diffId, size, ...timeOf(createdAt) };
        layers.push({ blob, parent, annotations });
        places.set(name, place);
      }
      parent = place;
    }
    return parent;
  };
  const encoded = encodeRecords(results, ({ diffIds, createdAt }) => ({
    layers: [{ layer: placeOf(diffIds), ...timeOf(createdAt) }],
  }));
  return { layers, records: encoded };
}

/** For the config of an image, whose layers records then speak of by their places. */
export function encodeInlineCache(results: readonly StepResult[], image: readonly Digest[]): Uint8Array | undefined {
  const inImage = results.filter(({ diffIds }) => diffIds.every((diffId) => image.includes(diffId)));
  const encoded = encodeRecords(inImage, ({ diffIds, createdAt }) => {
    const isBottom = diffIds.every((diffId, index) => image[index] === diffId);
    if (isBottom) return { layers: [{ layer: diffIds.length - 1, ...timeOf(createdAt) }] };
    return { chains: [{ layers: diffIds.map((diffId) => image.indexOf(diffId)), ...timeOf(createdAt) }] };
  });
  return encoded.length === 0 ? undefined : Buffer.from(JSON.stringify(encoded));
}

function encodeRecords(
  results: readonly StepResult[],
  encodeResult: (result: StepResult) => Pick<EncodedRecord, 'layers' | 'chains'>,
): EncodedRecord[] {
  // The same build again writes the same bytes.
  const sorted = results.toSorted((a, b) => (a.step < b.step ? -1 : 1));
  const encoded: EncodedRecord[] = [];
  for (const result of sorted) {
    const { step, definition } = result;
    const fields = encodeResult(result);
    const link = encoded.length;
    encoded.push({ digest: step, ...fields });
    if (definition !== undefined) encoded.push({ digest: definition, inputs: [[{ link }]], ...fields });
  }
  return encoded;
}

function timeOf(createdAt: number | undefined): { createdAt?: string } {
  return createdAt === undefined ? {} : { createdAt: new Date(createdAt).toISOString() };
}

interface ParsedRecord {
  readonly isStep: boolean;
  /** Places of layers, bottom to top; of the last one alone where the others follow from it. */
  readonly chain: readonly number[];
  readonly isWhole: boolean;
  readonly createdAt: number | undefined;
}

/** A cache of elsewhere. What it says was written by anybody, and is looked at when it is asked for. */
export class CacheConfig {
  readonly #layers: readonly unknown[];
  readonly #records = new Map<Digest, ParsedRecord>();
  /** Steps by the last layer of their results. */
  #byLastLayer: Map<Digest, Digest[]> | undefined;
  readonly #layerAt: (place: number) => CacheLayer | undefined;

  /** Throws invalid_argument. `layerAt` knows what the config's own layers do not say. */
  constructor(value: unknown, layerAt: (place: number, layer: EncodedLayer) => CacheLayer | undefined) {
    if (!isObject(value)) throw invalid('no object');
    this.#layers = listOf(value.layers, most.layers, 'layers');
    this.#layerAt = (place) => {
      const layer = this.#layers[place];
      return isLayer(layer) ? layerAt(place, layer) : undefined;
    };
    for (const record of listOf(value.records, most.records, 'records')) {
      const digest = isObject(record) ? record.digest : undefined;
      // BuildKit's have others as well, that are never found again: `random:...`.
      if (!isObject(record) || typeof digest !== 'string' || !isDigest(digest)) continue;
      const parsed = parseRecord(record);
      if (parsed && !this.#records.has(digest)) this.#records.set(digest, parsed);
    }
  }

  find(name: Digest): CacheRecord | undefined {
    const record = this.#records.get(name);
    const chain = record && this.#chainOf(record);
    const layers = chain?.map((place) => this.#layerAt(place));
    if (!record || !layers?.every((layer) => layer !== undefined)) return undefined;
    return { layers, createdAt: record.createdAt };
  }

  /** The steps whose results have exactly these layers. */
  stepsOf(diffIds: readonly Digest[]): Digest[] {
    this.#byLastLayer ??= this.#index();
    return (this.#byLastLayer.get(diffIds.at(-1) ?? '') ?? []).filter((digest) => {
      const layers = this.find(digest)?.layers;
      return layers?.length === diffIds.length && layers.every(({ diffId }, index) => diffId === diffIds[index]);
    });
  }

  #index(): Map<Digest, Digest[]> {
    const found = new Map<Digest, Digest[]>();
    for (const [digest, { isStep, chain }] of this.#records) {
      const last = isStep ? this.#layerAt(chain.at(-1)!)?.diffId : undefined;
      if (last === undefined) continue;
      const others = found.get(last);
      if (others) others.push(digest);
      else found.set(last, [digest]);
    }
    return found;
  }

  /** undefined for one that goes in a circle, is too deep or leads nowhere. */
  #chainOf({ chain, isWhole }: ParsedRecord): readonly number[] | undefined {
    if (isWhole) return chain;
    const places: number[] = [];
    let place = chain[0]!;
    while (place >= 0) {
      const layer = this.#layers[place];
      if (!isLayer(layer) || places.length >= most.depth) return undefined;
      places.push(place);
      place = layer.parent ?? 0;
    }
    return places.reverse();
  }
}

function parseRecord({ layers, chains, inputs }: Record<string, unknown>): ParsedRecord | undefined {
  const isStep = !Array.isArray(inputs) || inputs.length === 0;
  const [result] = Array.isArray(layers) ? layers : [];
  if (isObject(result) && isPlace(result.layer)) {
    return { isStep, chain: [result.layer], isWhole: false, createdAt: parseTime(result.createdAt) };
  }
  const [chain] = Array.isArray(chains) ? chains : [];
  if (!isObject(chain) || !Array.isArray(chain.layers)) return undefined;
  const places: unknown[] = chain.layers;
  if (places.length === 0 || places.length > most.depth || !places.every(isPlace)) return undefined;
  return { isStep, chain: places, isWhole: true, createdAt: parseTime(chain.createdAt) };
}

function listOf(value: unknown, limit: number, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${name} is no list`);
  if (value.length > limit) throw invalid(`${value.length} ${name} are more than ${limit}`);
  return value;
}

function isLayer(value: unknown): value is EncodedLayer {
  if (!isObject(value) || typeof value.blob !== 'string') return false;
  const { parent, annotations } = value;
  if (parent !== undefined && parent !== -1 && !isPlace(parent)) return false;
  return annotations === undefined || annotations === null || isObject(annotations);
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Milliseconds since 1970. Go's times have nanoseconds. */
export function parseTime(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) || time < 0 ? undefined : time;
}

function invalid(why: string) {
  return invalidArgument(`invalid cache config: ${why}`);
}
