import type { ContainerSummary, PortSummary } from '@wharf/api/container';
import type { Filters } from '@wharf/api/filters';
import type { PortBinding } from '@wharf/api/network';
import { isErrorCode } from '@wharf/base/error';
import type { ImageRecord, ImageStore } from '@wharf/store/images/image-store';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerImage, ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { linkNames } from './links.ts';
import { compileListFilters } from './list-filters.ts';
import { mountPoint } from './mount-view.ts';
import { endpointsOf } from './network-view.ts';
import { statusText } from './status-text.ts';

export type ListDeps = Pick<
  ContainerDeps,
  'containers' | 'images' | 'snapshots' | 'networking' | 'health' | 'removals'
>;

export interface ListOptions {
  readonly all: boolean;
  /** 0 or less is no limit. */
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
}

/** Newest first. Served from memory; only `size` reads the disk. */
export async function listContainers(deps: ListDeps, options: ListOptions): Promise<ContainerSummary[]> {
  const { accepts, showsStopped, before, since } = compileListFilters(deps, options.filters);
  const all = options.all || options.limit > 0 || showsStopped;
  const records = [...deps.containers.values()].reverse();
  const from = before === undefined ? 0 : records.findIndex(({ id }) => id === before) + 1;
  const to = since === undefined ? records.length : records.findIndex(({ id }) => id === since);
  const chosen: ContainerRecord[] = [];
  for (const record of records.slice(from, to)) {
    if (!all && !isUp(record.state.status) && record.state.status !== 'restarting') continue;
    if (!accepts(record)) continue;
    chosen.push(record);
    if (chosen.length === options.limit) break;
  }
  const view = { now: Date.now(), imageName: imageNames(deps.images), linkNames: linkNames(deps) };
  const summaries = chosen.map((record) => summarize(deps, record, view));
  return options.size ? Promise.all(summaries.map((summary) => withSize(deps, summary))) : summaries;
}

/** What one listing computes once for all its containers. */
export interface ListView {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly imageName: (image: ContainerImage) => string;
  /** Further names by id. */
  readonly linkNames: ReadonlyMap<string, readonly string[]>;
}

export function summarize(
  deps: ListDeps,
  record: ContainerRecord,
  { now, imageName, linkNames }: ListView,
): ContainerSummary {
  const { id, name, config, hostConfig, image, mounts, path, args } = record;
  const status = deps.removals.isRemoving(id) ? 'removing' : record.state.status;
  const sandbox = deps.networking.sandbox(id);
  const health = deps.health.summary(record);
  return {
    Id: id,
    Names: [`/${name}`, ...(linkNames.get(id) ?? [])],
    Image: imageName(image),
    ImageID: image.id,
    ImageManifestDescriptor: { ...image.manifest, platform: image.platform },
    Command: [path, ...args].map(quoteArgument).join(' '),
    Created: Math.trunc(Date.parse(record.created) / 1000),
    Ports: sandbox ? portSummaries(sandbox.ports) : [],
    Labels: config.Labels,
    State: status,
    Status: statusText({ ...record, state: { ...record.state, status } }, health.Status, now),
    HostConfig: {
      NetworkMode: hostConfig.NetworkMode,
      ...(Object.keys(hostConfig.Annotations).length > 0 && { Annotations: hostConfig.Annotations }),
    },
    Health: health,
    NetworkSettings: { Networks: endpointsOf(deps.networking, record, sandbox) },
    Mounts: mounts.map(mountPoint),
  };
}

/** The name it was created with, as long as that still means this image; then the id. */
export function imageNames(images: ImageStore): (image: ContainerImage) => string {
  const known = new Map<string, string | undefined>();
  return ({ id, name }) => {
    if (!known.has(name)) known.set(name, findImage(images, name)?.id);
    const current = known.get(name);
    return current === undefined || current === id ? name : id;
  };
}

function findImage(images: ImageStore, nameOrId: string): ImageRecord | undefined {
  try {
    return images.resolve(nameOrId);
  } catch (error) {
    if (isErrorCode(error, 'not_found') || isErrorCode(error, 'invalid_argument')) return undefined;
    throw error;
  }
}

export async function withSize(deps: ListDeps, summary: ContainerSummary): Promise<ContainerSummary> {
  const written = await deps.snapshots.usage(summary.Id);
  return { ...summary, SizeRw: written, SizeRootFs: written + imageSize(deps, summary.ImageID) };
}

/** Bytes of the image below a container; 0 once it is gone. */
export function imageSize({ images }: Pick<ListDeps, 'images'>, imageId: string): number {
  return findImage(images, imageId)?.size ?? 0;
}

/** Docker shows an argument with a space in single quotes. */
function quoteArgument(argument: string): string {
  return argument.includes(' ') ? `'${argument}'` : argument;
}

function portSummaries(ports: Readonly<Record<string, readonly PortBinding[] | null>>): PortSummary[] {
  return Object.entries(ports).flatMap(([key, bindings]) => {
    const [port = '', protocol = 'tcp'] = key.split('/');
    const exposed = { PrivatePort: Number(port), Type: protocol };
    if (!bindings || bindings.length === 0) return [exposed];
    return bindings.map(({ HostIp, HostPort }) => ({ IP: HostIp, PublicPort: Number(HostPort), ...exposed }));
  });
}
