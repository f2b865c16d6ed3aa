import type { HostConfig, Mount } from '@wharf/api/container';
import { invalidArgument, isErrorCode } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import type { Undo } from '@wharf/base/transaction';
import type { VolumeRequest, VolumeStore } from '@wharf/store/volumes/volume-store';
import type { ContainerMount } from './container-record.ts';
import { cleanTarget, parseBind, parseVolumesFrom } from './mount-spec.ts';
import { formatTmpfsOptions } from './validate/mounts.ts';

export interface MountsRequest {
  readonly hostConfig: HostConfig;
  /** Merged with the image's: every target gets an anonymous volume unless something else is there. */
  readonly volumes: Readonly<Record<string, object>>;
  /** The mounts of a container that --volumes-from names; not_found where there is none. */
  readonly mountsOf: (idOrName: string) => readonly ContainerMount[];
  /** The image of a mount of that type; not_found where there is none. */
  readonly imageOf: (name: string) => NonNullable<ContainerMount['image']>;
}

/** A mount whose volume, if it has one, still has to be made: its `source` is then empty. */
export interface PlannedMount {
  readonly mount: ContainerMount;
  readonly volume?: VolumeRequest;
}

const anonymousLabel = 'com.docker.volume.anonymous';

/**
 * Where everything goes: --volumes-from first, then -v, then --mount, each replacing what was at its target before;
 * the image's volumes fill what is left. Throws `Duplicate mount point: x` where -v and --mount collide.
 */
export function planMounts({ hostConfig, volumes, mountsOf, imageOf }: MountsRequest): PlannedMount[] {
  const planned = new Map<string, PlannedMount>();
  for (const text of hostConfig.VolumesFrom ?? []) {
    const { container, readOnly } = parseVolumesFrom(text);
    for (const mount of requireMounts(mountsOf, container)) planned.set(mount.destination, inherit(mount, readOnly));
  }
  const tmpfs = new Set(Object.keys(hostConfig.Tmpfs).map(cleanTarget));
  const explicit = new Set<string>();
  for (const entry of explicitMounts(hostConfig, tmpfs, imageOf)) {
    const { destination } = entry.mount;
    if (explicit.has(destination)) throw duplicate(destination);
    explicit.add(destination);
    planned.set(destination, entry);
  }
  for (const target of Object.keys(volumes)) {
    const destination = cleanTarget(target);
    if (!planned.has(destination) && !tmpfs.has(destination)) {
      planned.set(destination, anonymousVolume(destination, hostConfig.VolumeDriver));
    }
  }
  return [...planned.values()];
}

/** For a create not_found is kept for the image: clients pull it then. */
function requireMounts(mountsOf: MountsRequest['mountsOf'], container: string): readonly ContainerMount[] {
  try {
    return mountsOf(container);
  } catch (error) {
    throw isErrorCode(error, 'not_found') ? invalidArgument(error.message) : error;
  }
}

/** Makes the planned volumes, and holds all of them for the container. */
export async function createMounts(
  plan: readonly PlannedMount[],
  { volumes, containerId }: { readonly volumes: VolumeStore; readonly containerId: string },
  undo: Undo,
): Promise<ContainerMount[]> {
  const mounts: ContainerMount[] = [];
  for (const { mount, volume } of plan) {
    if (!volume) {
      if (mount.type === 'volume') hold(volumes, mount.name, containerId, undo);
      mounts.push(mount);
      continue;
    }
    const record = await volumes.create(volume);
    if (mount.anonymous) undo.defer(() => volumes.remove(record.name, { force: true }));
    hold(volumes, record.name, containerId, undo);
    mounts.push({ ...mount, name: record.name, driver: record.driver, source: record.mountpoint });
  }
  return mounts;
}

function hold(volumes: VolumeStore, name: string, containerId: string, undo: Undo): void {
  volumes.reference(name, containerId);
  undo.defer(() => volumes.release(name, containerId));
}

function inherit(mount: ContainerMount, readOnly: boolean): PlannedMount {
  return { mount: { ...mount, readOnly: mount.readOnly || readOnly, mode: '', copyUp: false, anonymous: false } };
}

function explicitMounts(
  { Binds, Mounts, VolumeDriver }: HostConfig,
  tmpfs: ReadonlySet<string>,
  imageOf: MountsRequest['imageOf'],
): PlannedMount[] {
  const binds = (Binds ?? []).map((text) => {
    const { mount, mode } = parseBind(text, VolumeDriver);
    if (tmpfs.has(cleanTarget(mount.Target))) throw duplicate(mount.Target);
    return planMount(mount, mode, imageOf);
  });
  return [...binds, ...(Mounts ?? []).map((mount) => planMount(mount, '', imageOf))];
}

function duplicate(target: string): Error {
  return invalidArgument(`Duplicate mount point: ${target}`);
}

const nothing: ContainerMount = {
  type: 'bind',
  destination: '',
  source: '',
  name: '',
  driver: '',
  anonymous: false,
  readOnly: false,
  mode: '',
  propagation: '',
  copyUp: false,
  subpath: '',
  createSource: false,
  nonRecursive: false,
  readOnlyNonRecursive: false,
  readOnlyForceRecursive: false,
  tmpfsOptions: [],
};

function planMount(mount: Mount, mode: string, imageOf: MountsRequest['imageOf']): PlannedMount {
  const common = { ...nothing, destination: cleanTarget(mount.Target), readOnly: mount.ReadOnly, mode };
  switch (mount.Type) {
    case 'bind':
      return { mount: planBind(mount, common) };
    case 'volume':
      return planVolume(mount, common);
    case 'tmpfs': {
      const options = formatTmpfsOptions(mount.TmpfsOptions);
      return { mount: { ...common, type: 'tmpfs', tmpfsOptions: mount.ReadOnly ? ['ro', ...options] : options } };
    }
    case 'image':
      return { mount: planImage(mount, common, imageOf) };
    case 'npipe':
    case 'cluster':
      throw invalidArgument(`invalid mount config for type "${mount.Type}": mount type unknown`);
  }
}

function planBind({ Source, BindOptions }: Mount, common: ContainerMount): ContainerMount {
  return {
    ...common,
    type: 'bind',
    source: cleanTarget(Source),
    propagation: BindOptions?.Propagation || 'rprivate',
    createSource: BindOptions?.CreateMountpoint ?? false,
    nonRecursive: BindOptions?.NonRecursive ?? false,
    readOnlyNonRecursive: BindOptions?.ReadOnlyNonRecursive ?? false,
    readOnlyForceRecursive: BindOptions?.ReadOnlyForceRecursive ?? false,
  };
}

/** An image's files are never written: everyone who uses it has the same layers. */
function planImage(
  { Source, ImageOptions }: Mount,
  common: ContainerMount,
  imageOf: MountsRequest['imageOf'],
): ContainerMount {
  return {
    ...common,
    type: 'image',
    name: Source,
    readOnly: true,
    image: imageOf(Source),
    subpath: ImageOptions?.Subpath ?? '',
  };
}

function planVolume({ Source, VolumeOptions }: Mount, common: ContainerMount): PlannedMount {
  const isAnonymous = Source === '';
  const driver = VolumeOptions?.DriverConfig?.Name ?? '';
  const labels = VolumeOptions?.Labels ?? {};
  const subpath = VolumeOptions?.Subpath ?? '';
  return {
    mount: {
      ...common,
      type: 'volume',
      driver,
      anonymous: isAnonymous,
      mode: common.mode || 'z',
      copyUp: !(VolumeOptions?.NoCopy ?? false) && subpath === '',
      subpath,
    },
    volume: {
      name: isAnonymous ? newId() : Source,
      driver,
      driverOpts: VolumeOptions?.DriverConfig?.Options ?? {},
      labels: isAnonymous ? { ...labels, [anonymousLabel]: '' } : labels,
    },
  };
}

function anonymousVolume(destination: string, driver: string): PlannedMount {
  return {
    mount: { ...nothing, type: 'volume', destination, driver, anonymous: true, copyUp: true },
    volume: { name: newId(), driver, driverOpts: {}, labels: { [anonymousLabel]: '' } },
  };
}
