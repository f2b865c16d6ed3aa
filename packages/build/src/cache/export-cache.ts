import { together } from '@wharf/base/together';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { mediaTypes } from '@wharf/oci/media-type';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type {
  BuildOutput,
  ExportClient,
  ExportContext,
  ExportDeps,
  ExportResponse,
} from '../exporters/build-output.ts';
import { copyBlob } from '../exporters/copy-blob.ts';
import { layerBlob } from '../exporters/layer-blobs.ts';
import { shown } from '../exporters/run-exporters.ts';
import type { ProgressSink } from '../solver/progress.ts';
import type { BuildCaches } from './build-caches.ts';
import { type CacheLayer, cacheConfigType, encodeCacheConfig, type StepResult } from './cache-config.ts';
import type { CacheExport, StoredCacheExport } from './cache-requests.ts';

interface CacheExportRun {
  readonly deps: ExportDeps;
  readonly build: BuildOutput;
  readonly client: ExportClient;
  readonly caches: BuildCaches;
  readonly results: readonly StepResult[];
  readonly signal: AbortSignal;
  readonly step: ExportContext['step'];
}

/** Fills all caches that a build is asked to fill elsewhere than in its image. Answers what clients are told of it. */
export async function exportCaches(
  requests: readonly CacheExport[],
  run: Omit<CacheExportRun, 'step'> & { emit: ProgressSink },
): Promise<ExportResponse> {
  const response: ExportResponse = {};
  for (const request of requests) {
    if (request.type === 'inline') continue;
    const name = `exporting cache to ${request.type === 'local' ? 'client directory' : 'registry'}`;
    try {
      const target = await shown(name, run.emit, (step) => exportCache(request, { ...run, step }));
      response['cache.manifest'] = JSON.stringify(target);
    } catch (error) {
      if (run.signal.aborted || !request.ignoreError) throw error;
    }
  }
  return response;
}

/** Puts a cache where it was asked for. Answers its manifest or index. */
async function exportCache(request: StoredCacheExport, run: CacheExportRun): Promise<Descriptor> {
  const { deps, client, signal, step } = run;
  const { parts } = deps;
  const results = request.mode === 'max' ? run.results : inImages(run.results, run.build);
  const layers = await step('preparing build cache for export', () => packLayers(request, results, run));
  const config = encodeCacheConfig(results, (diffId) => layers.get(diffId)!);
  const { target, blobs } = await writeCache(parts, request, config, layers);
  const { target: place } = request;
  if (typeof place === 'string') {
    const store = client.contentStore(`local:${place}`);
    for (const blob of [...blobs, target])
      await step(`writing layer ${blob.digest}`, () => copyBlob(parts, store, blob));
    return target;
  }
  return await step(`writing cache manifest ${target.digest}`, async () =>
    deps.transfers.pusher.pushTarget(target, {
      reference: place,
      keepPlain: request.format.compression === 'uncompressed',
      credentials: await client.credentials(place.domain),
      signal,
      progress: () => undefined,
    }),
  );
}

/** Those of which nothing but layers of the build's images is left. */
function inImages(results: readonly StepResult[], { platforms }: BuildOutput): readonly StepResult[] {
  const images = platforms.map(({ result }) => new Set(result.kind === 'layers' ? result.layers : []));
  return results.filter(({ diffIds }) => images.some((image) => diffIds.every((diffId) => image.has(diffId))));
}

async function packLayers(
  { format }: StoredCacheExport,
  results: readonly StepResult[],
  { deps: { parts }, build, caches, signal }: CacheExportRun,
): Promise<Map<Digest, CacheLayer>> {
  const diffIds = new Set(results.flatMap((result) => result.diffIds));
  await caches.fetch(diffIds);
  const options = { format, usual: 'gzip' as const, descriptorOf: build.descriptorOf, signal };
  const packed = await together(
    [...diffIds].map(async (diffId): Promise<[Digest, CacheLayer]> => {
      const createdAt = build.createdAt(diffId) ?? caches.createdAt(diffId);
      return [diffId, { diffId, createdAt, descriptor: await layerBlob(parts, diffId, options) }];
    }),
  );
  return new Map(packed);
}

/** Writes config and manifest into the store, where a lease keeps them. Answers what all of it is. */
async function writeCache(
  { content }: ImageParts,
  { imageManifest, format: { ociTypes } }: StoredCacheExport,
  config: object,
  layers: ReadonlyMap<Digest, CacheLayer>,
): Promise<{ target: Descriptor; blobs: readonly Descriptor[] }> {
  const configBytes = Buffer.from(JSON.stringify(config));
  const described: Descriptor = { mediaType: cacheConfigType, digest: digestOf(configBytes), size: configBytes.length };
  const unique = new Map([...layers.values()].map(({ descriptor }) => [descriptor.digest, descriptor]));
  const packed = [...unique.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const indexType = ociTypes ? mediaTypes.ociIndex : mediaTypes.dockerManifestList;
  const mediaType = imageManifest ? mediaTypes.ociManifest : indexType;
  const parts = imageManifest ? { config: described, layers: packed } : { manifests: [...packed, described] };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...parts }));
  await content.write(configBytes);
  await content.write(bytes);
  await content.sync();
  const target: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { target, blobs: [...packed, described] };
}
