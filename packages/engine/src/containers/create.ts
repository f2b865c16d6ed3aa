import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  ContainerCreateResponse,
  HostConfig,
} from '@wharf/api/container';
import { invalidArgument, isErrorCode } from '@wharf/base/error';
import { newId, shortId } from '@wharf/base/id';
import { timestamp, zeroTime } from '@wharf/base/timestamp';
import { transaction, type Undo } from '@wharf/base/transaction';
import { sharedContainer } from '@wharf/runtime/spec/modes';
import type { ImageRecord } from '@wharf/store/images/image-store';
import type { ContainerDeps } from '../engine-deps.ts';
import { acquireMounts, planContainerMounts } from './acquire-mounts.ts';
import { logFile, makeContainerDirectory, removeContainerFiles } from './container-files.ts';
import { generateName, parseContainerName } from './container-name.ts';
import type { ContainerImage, ContainerRecord } from './container-record.ts';
import { endpointIntent } from './endpoint-intent.ts';
import { resolveLinks } from './links.ts';
import { commandLine, mergeConfig } from './merge-config.ts';
import type { PlannedMount } from './mounts.ts';
import { parsePlatform } from './platform.ts';
import { publishContainer } from './publish.ts';
import { sandboxRequest } from './sandbox-request.ts';
import { storageSize, validateCreate } from './validate/create.ts';

/**
 * Everything is checked before anything is made. The record is written last: what was made for a container whose
 * creation was cut short has no owner, and is swept at the daemon's next start.
 */
export async function createContainer(
  deps: ContainerDeps,
  name: string | undefined,
  asked: ContainerCreateRequest,
  platform: string | undefined,
): Promise<ContainerCreateResponse> {
  deps.warmer.warm(150);
  const { request, warnings } = validateCreate(asked, deps.hostFacts, createDefaults(deps));
  const image = deps.images.resolve(request.Image, platform === undefined ? undefined : parsePlatform(platform));
  const draft = draftRecord(deps, name, request, image);
  const plan = planContainerMounts(deps, draft);
  requireSources(plan);
  const record = await transaction((undo) => makeContainer(deps, draft, plan, undo));
  await deps.database.flush();
  publishContainer(deps.events, record, 'create');
  return { Id: record.id, Warnings: warnings };
}

/** What is meant where a request says nothing. */
export function createDefaults({ config, runtimes }: ContainerDeps) {
  return {
    runtime: config.defaultRuntime,
    runtimes: new Set(Object.keys(runtimes)),
    shmSize: config.defaultShmSize,
    ipcMode: config.defaultIpcMode,
    cgroupnsMode: config.defaultCgroupnsMode,
    remapped: config.idMapping !== undefined,
    logConfig: { Type: config.logging.driver, Config: { ...config.logging.options } },
  };
}

/** The record as it will be, without its mounts; refuses what cannot be made. */
function draftRecord(
  deps: ContainerDeps,
  name: string | undefined,
  request: ContainerCreateRequest,
  image: ImageRecord,
): ContainerRecord {
  const { HostConfig: askedHost, NetworkingConfig, ...asked } = request;
  const id = newId();
  const Links = resolveLinks(deps, askedHost.Links);
  const hostConfig = { ...askedHost, ...joinedContainers(deps, askedHost), Links };
  const merged = mergeConfig(asked, image.config.config);
  const config = { ...merged, Hostname: hostnameOf(deps, merged, hostConfig, id) };
  const [path = '', ...args] = commandLine(config);
  const draft: ContainerRecord = {
    id,
    name: name ? parseContainerName(name) : generateName((taken) => deps.containers.isTaken(taken)),
    created: timestamp(),
    config,
    hostConfig,
    image: imageOf(request.Image, image),
    mounts: [],
    endpoints: config.NetworkDisabled ? {} : endpointIntent(deps.networking, hostConfig, NetworkingConfig),
    path,
    args,
    logPath: hostConfig.LogConfig.Type === 'none' ? '' : logFile(deps.config, id),
    state: {
      status: 'created',
      pid: 0,
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: zeroTime,
      finishedAt: zeroTime,
    },
    restartCount: 0,
    manuallyStopped: false,
    phase: 'ready',
  };
  validateNetwork(deps, draft);
  return draft;
}

/** A network that is missing now may be there at the start; on create clients would take not_found for the image. */
function validateNetwork(deps: ContainerDeps, draft: ContainerRecord): void {
  try {
    deps.networking.validate(sandboxRequest(deps, draft));
  } catch (error) {
    if (!isErrorCode(error, 'not_found')) throw error;
  }
}

async function makeContainer(
  deps: ContainerDeps,
  draft: ContainerRecord,
  plan: readonly PlannedMount[],
  undo: Undo,
): Promise<ContainerRecord> {
  const { containers, snapshots, config, fault } = deps;
  const { id, image } = draft;
  // What it mounts is in use from now on, too.
  containers.beginDraft({ ...draft, mounts: plan.map(({ mount }) => mount) });
  undo.defer(() => containers.dropDraft(draft));
  fault('create.snapshot');
  undo.defer(() => snapshots.remove(id));
  const { AutoRemove: volatile, UsernsMode } = draft.hostConfig;
  const hostOwners = UsernsMode === 'host';
  await snapshots.prepare(id, image.diffIds, { volatile, size: storageSize(draft.hostConfig), hostOwners });
  fault('create.directory');
  undo.defer(() => removeContainerFiles(config, id));
  makeContainerDirectory(config, id);
  const mounts = await acquireMounts(deps, draft, plan, undo);
  fault('create.record');
  const record = { ...draft, mounts };
  containers.put(record);
  fault('create.answer');
  return record;
}

/** A bind mount that shall not make its source needs one now already. */
function requireSources(plan: readonly PlannedMount[]): void {
  for (const { mount } of plan) {
    if (mount.type !== 'bind' || mount.createSource || existsSync(mount.source)) continue;
    throw invalidArgument(`invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
  }
}

/** `container:name` becomes `container:id`, so that a rename changes nothing. Throws `No such container: x`. */
function joinedContainers(
  { containers }: ContainerDeps,
  { NetworkMode, IpcMode, PidMode }: HostConfig,
): Pick<HostConfig, 'NetworkMode' | 'IpcMode' | 'PidMode'> {
  function byId(mode: string): string {
    const target = sharedContainer(mode);
    return target === undefined ? mode : `container:${requireContainer(target)}`;
  }
  // For a create not_found is kept for the image: clients pull it then.
  function requireContainer(idOrName: string): string {
    try {
      return containers.find(idOrName).id;
    } catch (error) {
      throw isErrorCode(error, 'not_found') ? invalidArgument(error.message) : error;
    }
  }
  return { NetworkMode: byId(NetworkMode), IpcMode: byId(IpcMode), PidMode: byId(PidMode) };
}

/** A container in another's network has its name; one in the host's UTS namespace the host's. */
function hostnameOf(
  { containers }: ContainerDeps,
  config: ContainerConfig,
  hostConfig: HostConfig,
  id: string,
): string {
  if (config.Hostname !== '') return config.Hostname;
  const { NetworkMode, UTSMode } = hostConfig;
  const target = sharedContainer(NetworkMode);
  if (target !== undefined) return containers.find(target).config.Hostname;
  return NetworkMode === 'host' || UTSMode === 'host' ? hostname() : shortId(id);
}

function imageOf(name: string, { id, manifest, config, diffIds }: ImageRecord): ContainerImage {
  const { os, architecture, variant } = config;
  return {
    id,
    name,
    manifest,
    platform: { os, architecture, ...(variant !== undefined && { variant }) },
    diffIds,
  };
}
