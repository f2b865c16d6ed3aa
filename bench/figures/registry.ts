import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestType, pushImage, randomBlob, registryImage } from '../../test/fixtures/registry-image.ts';
import { BenchRegistry, type RegistryKind } from '../registries/bench-registry.ts';
import { type BlobFile, drain, pushBlob, requestRate } from '../registries/load.ts';
import { median } from '../statistics.ts';
import { atLeast, atMost, below, type Figure, type Measure, type Values } from './figure.ts';

const repository = 'bench/app';
const megabyte = 1_000_000;

/** Our registry under `wharfd`, Debian's docker-registry under `dockerd`; the engines have no part in it. */
export const measureRegistry: Measure = async ({ quick }) => {
  const scratch = mkdtempSync(join(tmpdir(), 'wharf-bench-blobs-'));
  const registries = [await BenchRegistry.start('wharfd'), await BenchRegistry.start('dockerd')];
  try {
    const rounds = quick ? 1 : 3;
    return [
      // First, while neither has grown by anything else.
      await measureLargeBlob(registries, scratch, (quick ? 500 : 5000) * megabyte),
      ...(await measureTransfer(registries, scratch, { rounds, size: (quick ? 25 : 100) * megabyte })),
      await measureRequests(registries, { rounds, milliseconds: quick ? 500 : 2000 }),
      ...(await measureCrowd(registries, scratch)),
    ];
  } finally {
    for (const registry of registries) await registry.close();
    rmSync(scratch, { recursive: true, force: true });
  }
};

/** Eight layers at once, none of which the registry has seen; then the same eight back. */
async function measureTransfer(
  registries: readonly BenchRegistry[],
  scratch: string,
  { rounds, size }: { rounds: number; size: number },
): Promise<Figure[]> {
  const layers = 8;
  const pushes = emptyResults();
  const pulls = emptyResults();
  for (let round = 0; round < rounds; round++) {
    const blobs = Array.from({ length: layers }, (_, index) => makeBlob(join(scratch, `${round}-${index}`), size));
    for (const registry of registries) {
      const rate = (began: number) => (layers * size) / megabyte / ((performance.now() - began) / 1000);
      let began = performance.now();
      await Promise.all(blobs.map((blob) => pushBlob(registry, repository, blob)));
      pushes[registry.name].push(rate(began));
      began = performance.now();
      await Promise.all(blobs.map((blob) => drain(registry, blobPath(blob))));
      pulls[registry.name].push(rate(began));
    }
    for (const { path } of blobs) rmSync(path);
  }
  const [push, pull] = [mediansOf(pushes), mediansOf(pulls)];
  return [
    { name: 'registry: push of 8 layers', unit: 'MB/s', values: push, promise: atLeast(push, 1, 'dockerd') },
    { name: 'registry: pull of 8 layers', unit: 'MB/s', values: pull, promise: atLeast(pull, 1, 'dockerd') },
  ];
}

async function measureRequests(
  registries: readonly BenchRegistry[],
  { rounds, milliseconds }: { rounds: number; milliseconds: number },
): Promise<Figure> {
  const rates = emptyResults();
  const image = registryImage([randomBlob(1000)]);
  for (const { base } of registries) await pushImage(base, repository, { image, tag: 'latest' });
  for (let round = 0; round < rounds; round++) {
    for (const registry of registries) {
      const options = { connections: 16, milliseconds, accept: manifestType };
      rates[registry.name].push(await requestRate(registry, `/v2/${repository}/manifests/latest`, options));
    }
  }
  const values = mediansOf(rates);
  return { name: 'registry: manifests by tag', unit: '/s', values, promise: atLeast(values, 1, 'dockerd') };
}

/** A hundred clients that pull 20 MB each at the same time. */
async function measureCrowd(registries: readonly BenchRegistry[], scratch: string): Promise<Figure[]> {
  const blob = makeBlob(join(scratch, 'crowd'), 20 * megabyte);
  const peaks: Values = {};
  const rates: Values = {};
  for (const registry of registries) {
    await pushBlob(registry, repository, blob);
    registry.forgetPeak();
    const began = performance.now();
    await Promise.all(Array.from({ length: 100 }, () => drain(registry, blobPath(blob))));
    rates[registry.name] = (100 * blob.size) / megabyte / ((performance.now() - began) / 1000);
    peaks[registry.name] = registry.peakMegabytes();
  }
  const promise = atMost(peaks, 0.5, 'dockerd');
  return [
    { name: 'registry: 100 pulls at once', unit: 'MB/s', values: rates, promise: atLeast(rates, 1, 'dockerd') },
    { name: 'registry: most memory under 100 pulls', unit: 'MB', values: peaks, promise },
  ];
}

/** How much the peak rises while one large blob goes in and out. */
async function measureLargeBlob(registries: readonly BenchRegistry[], scratch: string, size: number): Promise<Figure> {
  const blob = makeBlob(join(scratch, 'large'), size);
  const values: Values = {};
  for (const registry of registries) {
    registry.forgetPeak();
    const before = registry.residentMegabytes();
    await pushBlob(registry, repository, blob);
    await drain(registry, blobPath(blob));
    values[registry.name] = registry.peakMegabytes() - before;
  }
  const name = `registry: memory more for a blob of ${size / megabyte / 1000} GB`;
  return { name, unit: 'MB', values, promise: below(values.wharfd, 50, 'MB') };
}

function blobPath({ digest }: BlobFile): string {
  return `/v2/${repository}/blobs/${digest}`;
}

/** Bytes that nobody has, made faster than random ones. */
function makeBlob(path: string, size: number): BlobFile {
  const hash = createHash('sha256');
  const piece = randomBytes(4 * megabyte);
  const file = openSync(path, 'w');
  for (let at = 0; at < size; at += piece.length) {
    piece.writeDoubleBE(Math.random());
    const part = piece.subarray(0, Math.min(piece.length, size - at));
    writeSync(file, part);
    hash.update(part);
  }
  closeSync(file);
  return { path, digest: `sha256:${hash.digest('hex')}`, size };
}

function emptyResults(): Record<RegistryKind, number[]> {
  return { wharfd: [], dockerd: [] };
}

function mediansOf({ wharfd, dockerd }: Record<RegistryKind, number[]>): Values {
  return { wharfd: median(wharfd), dockerd: median(dockerd) };
}
