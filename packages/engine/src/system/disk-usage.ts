import type { ContainerSummary } from '@wharf/api/container';
import type { DiskUsage } from '@wharf/api/system';
import type { VolumeInspect } from '@wharf/api/volume';
import { invalidArgument } from '@wharf/base/error';
import { linkNames } from '../containers/links.ts';
import { imageNames, type ListDeps, summarize, withSize } from '../containers/list.ts';
import type { BuildUseCases, ImageUseCases } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { describeVolume } from '../volumes/describe.ts';

type DiskUsageDeps = ListDeps &
  Pick<ContainerDeps, 'volumes'> & {
    readonly useCases: { readonly images: ImageUseCases; readonly builds: Pick<BuildUseCases, 'cache'> };
  };

const known = ['container', 'image', 'volume', 'build-cache'];

/** `docker system df`. No types are all of them. */
export async function diskUsage(deps: DiskUsageDeps, types: readonly string[]): Promise<DiskUsage> {
  for (const type of types) if (!known.includes(type)) throw invalidArgument(`unknown object type: ${type}`);
  const wants = (type: string) => types.length === 0 || types.includes(type);
  return {
    ...(wants('image') ? await imageUsage(deps) : {}),
    ...(wants('container') ? { Containers: await containerUsage(deps) } : {}),
    ...(wants('volume') ? { Volumes: await volumeUsage(deps) } : {}),
    ...(wants('build-cache') ? { BuildCache: await deps.useCases.builds.cache() } : {}),
  };
}

async function imageUsage({ images, useCases }: DiskUsageDeps): Promise<Pick<DiskUsage, 'LayersSize' | 'Images'>> {
  const options = { all: true, digests: false, manifests: false, sharedSize: true, filters: new Map() };
  const layersSize = images.images().reduce((total, { size }) => total + size, 0);
  return { LayersSize: layersSize, Images: await useCases.images.list(options) };
}

async function containerUsage(deps: DiskUsageDeps): Promise<ContainerSummary[]> {
  const view = { now: Date.now(), imageName: imageNames(deps.images), linkNames: linkNames(deps) };
  const summaries = [...deps.containers.values()].map((record) => summarize(deps, record, view));
  return Promise.all(summaries.map((summary) => withSize(deps, summary)));
}

async function volumeUsage({ volumes }: DiskUsageDeps): Promise<VolumeInspect[]> {
  // As Docker has it: what is behind options or a plugin may be on another machine, and take as long as it likes.
  const here = volumes
    .volumes()
    .filter(({ driver, driverOpts }) => driver === 'local' && Object.keys(driverOpts).length === 0);
  return Promise.all(
    here.map(async (volume) => ({
      ...describeVolume({ ...volume, scope: 'local' }),
      UsageData: { Size: await volumes.usage(volume.name), RefCount: volumes.users(volume.name).length },
    })),
  );
}
