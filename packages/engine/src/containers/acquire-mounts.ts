import { readdir } from 'node:fs/promises';
import type { Undo } from '@wharf/base/transaction';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerMount, ContainerRecord } from './container-record.ts';
import { createMounts, type PlannedMount, planMounts } from './mounts.ts';

type MountDeps = Pick<ContainerDeps, 'containers' | 'images' | 'volumes' | 'snapshots' | 'fault'>;

/** Where everything goes, with the names that anonymous volumes will have. Touches nothing. */
export function planContainerMounts(
  { containers, images }: Pick<MountDeps, 'containers' | 'images'>,
  { config, hostConfig }: Pick<ContainerRecord, 'config' | 'hostConfig'>,
): PlannedMount[] {
  return planMounts({
    hostConfig,
    volumes: config.Volumes,
    mountsOf: (idOrName) => containers.find(idOrName).mounts,
    imageOf: (name) => {
      const { id, diffIds } = images.resolve(name);
      return { id, diffIds };
    },
  });
}

/** Makes the volumes, and fills empty ones with what the image has in their place. */
export async function acquireMounts(
  deps: MountDeps,
  draft: ContainerRecord,
  plan: readonly PlannedMount[],
  undo: Undo,
): Promise<ContainerMount[]> {
  const { containers, volumes, snapshots, fault } = deps;
  const { id } = draft;
  if (plan.some(({ mount }) => mount.anonymous)) {
    fault('create.doomed');
    undo.defer(() => containers.delete(id));
    containers.put({ ...draft, mounts: plan.map(named), phase: 'doomed' });
  }
  if (plan.length > 0) fault('create.volumes');
  const mounts = await createMounts(owned(plan, draft), { volumes, containerId: id }, undo);
  for (const [index, { image }] of mounts.entries()) {
    if (image) snapshots.view(imageView(id, index), image.diffIds);
  }
  for (const mount of mounts) if (mount.type === 'volume' && mount.copyUp) await fill(deps, id, mount);
  return mounts;
}

/** The snapshot behind a container's mount of an image: it holds the layers, also when the image is removed by force. */
export function imageView(id: string, index: number): string {
  return `${id}.${index}`;
}

/**
 * Anonymous volumes outlive containers that are removed without theirs: labels tell whose they were, for people and
 * for filters.
 */
function owned(plan: readonly PlannedMount[], { name, config }: ContainerRecord): PlannedMount[] {
  return plan.map(({ mount, volume }) => {
    if (!mount.anonymous || !volume) return { mount, ...(volume && { volume }) };
    const labels = {
      ...volume.labels,
      'wharf.volume.container': name,
      'wharf.volume.image': config.Image,
      'wharf.volume.destination': mount.destination,
    };
    return { mount, volume: { ...volume, labels } };
  });
}

function named({ mount, volume }: PlannedMount): ContainerMount {
  return volume ? { ...mount, name: volume.name } : mount;
}

async function fill(
  { volumes, snapshots, fault }: MountDeps,
  id: string,
  { name, destination }: ContainerMount,
): Promise<void> {
  const directory = await volumes.mount(name, id);
  try {
    if ((await readdir(directory)).length > 0) return;
    fault('create.copy-up');
    const root = await snapshots.mount(id);
    try {
      await volumes.copyUp(name, root, destination);
    } finally {
      await snapshots.unmount(id);
    }
  } finally {
    await volumes.unmount(name, id);
  }
}
