import type { ContainerInspect, ContainerState } from '@wharf/api/container';
import type { ContainerDeps } from '../engine-deps.ts';
import { hostnameFile, hostsFile, resolvConfFile } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import { shownLinks } from './links.ts';
import { imageSize } from './list.ts';
import { mountPoint } from './mount-view.ts';
import { networkSettings } from './network-view.ts';

export type InspectDeps = Pick<
  ContainerDeps,
  'config' | 'containers' | 'images' | 'snapshots' | 'networking' | 'execs' | 'health' | 'removals'
>;

export async function inspectContainer(
  deps: InspectDeps,
  idOrName: string,
  { size }: { readonly size: boolean },
): Promise<ContainerInspect> {
  const record = deps.containers.find(idOrName);
  const shown = describe(deps, record);
  if (!size) return shown;
  const written = await deps.snapshots.usage(record.id);
  return { ...shown, SizeRw: written, SizeRootFs: written + imageSize(deps, record.image.id) };
}

function describe(deps: InspectDeps, record: ContainerRecord): ContainerInspect {
  const { id, image } = record;
  const hasFiles = record.state.startedAt.startsWith('0001') === false;
  const execs = [...deps.execs.ofContainer(id)].map((exec) => exec.id);
  return {
    Id: id,
    Created: record.created,
    Path: record.path,
    Args: [...record.args],
    State: stateOf(deps, record),
    Image: image.id,
    ResolvConfPath: hasFiles ? resolvConfFile(deps.config, id) : '',
    HostnamePath: hasFiles ? hostnameFile(deps.config, id) : '',
    HostsPath: hasFiles ? hostsFile(deps.config, id) : '',
    LogPath: record.hostConfig.LogConfig.Type === 'json-file' ? record.logPath : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlayfs',
    Platform: image.platform.os,
    ImageManifestDescriptor: { ...image.manifest, platform: image.platform },
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execs.length === 0 ? null : execs,
    HostConfig: { ...record.hostConfig, Links: shownLinks(deps, record) },
    Storage: { RootFS: { Snapshot: { Name: 'overlayfs' } } },
    Mounts: record.mounts.map(mountPoint),
    Config: record.config,
    NetworkSettings: networkSettings(deps.networking, record),
  };
}

/** Docker's twelve: a container that waits for its restart counts as running. */
function stateOf({ health, removals }: InspectDeps, record: ContainerRecord): ContainerState {
  const { state } = record;
  const status = removals.isRemoving(record.id) ? 'removing' : state.status;
  const checked = health.inspect(record);
  return {
    Status: status,
    Running: state.status === 'running' || state.status === 'paused' || state.status === 'restarting',
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: state.status === 'dead',
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(checked && { Health: checked }),
  };
}
