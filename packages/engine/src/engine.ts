import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerSummary,
  ContainerTop,
  ContainerUpdateRequest,
  WaitResponse,
} from '@wharf/api/container';
import type { FileChange, PathStat } from '@wharf/api/container-files';
import type { EventMessage } from '@wharf/api/events';
import type { ExecCreateRequest, ExecInspect } from '@wharf/api/exec';
import type { Filters } from '@wharf/api/filters';
import type { ImageDeleteItem, ImageHistoryItem, ImageInspect, ImageSummary } from '@wharf/api/image';
import type { EndpointSettings, NetworkCreateRequest, NetworkCreateResponse, NetworkInspect } from '@wharf/api/network';
import type { AuthConfig, AuthResponse, DistributionInspect, SearchItem } from '@wharf/api/registry';
import type { ContainerStats } from '@wharf/api/stats';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import type { BuildCacheRecord, DiskUsage, SystemInfo, VersionInfo } from '@wharf/api/system';
import type { VolumeCreateRequest, VolumeInspect, VolumeList } from '@wharf/api/volume';
import type { ClassicRequest } from '@wharf/build/classic/classic-request';
import type { SessionFacts } from '@wharf/build/wire/build-wire';
import type { Platform } from '@wharf/oci/image-config';
import type { BuildRecords } from './build/build-records.ts';
import type { BuildPruneOptions } from './build/prune-cache.ts';
import type { CommitRequest } from './containers/commit.ts';
import type { HeldArchive } from './containers/container-tree.ts';
import type { PullImageOptions } from './images/pull.ts';
import type { PushImageOptions } from './images/push.ts';
import type { SearchOptions } from './registry/search.ts';

/**
 * The use cases, one file each in its noun's folder. Requests arrive decoded and at the newest API version;
 * answers leave at the newest version: older ones are made by `server/compat`. Every method rejects with EngineError.
 */
export interface Engine {
  /** A client has come, and may be about to start a container: called for each _ping. */
  warm(): void;
  readonly containers: ContainerUseCases;
  readonly exec: ExecUseCases;
  readonly images: ImageUseCases;
  readonly builds: BuildUseCases;
  readonly registry: RegistryUseCases;
  readonly networks: NetworkUseCases;
  readonly volumes: VolumeUseCases;
  readonly system: SystemUseCases;
}

/** Nothing can be made here yet: all but list throw. */
export interface CheckpointUseCases {
  list(idOrName: string): readonly unknown[];
  create(idOrName: string, checkpoint: string): void;
  remove(idOrName: string, checkpoint: string): void;
  start(idOrName: string, checkpoint: string): void;
}

export interface ContainerUseCases {
  create(
    name: string | undefined,
    request: ContainerCreateRequest,
    platform: string | undefined,
  ): Promise<ContainerCreateResponse>;
  start(idOrName: string): Promise<void>;
  readonly checkpoints: CheckpointUseCases;
  stop(idOrName: string, options: StopOptions): Promise<void>;
  restart(idOrName: string, options: StopOptions): Promise<void>;
  kill(idOrName: string, signal: string | undefined): Promise<void>;
  pause(idOrName: string): Promise<void>;
  unpause(idOrName: string): Promise<void>;
  rename(idOrName: string, name: string): Promise<void>;
  remove(idOrName: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  /** Resolves at once when the wait is armed; `exited` when the condition is met. */
  wait(idOrName: string, condition: WaitCondition, signal: AbortSignal): Promise<{ exited: Promise<WaitResponse> }>;
  list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<ContainerSummary[]>;
  inspect(idOrName: string, options: { size: boolean }): Promise<ContainerInspect>;
  logs(idOrName: string, options: LogOptions, signal: AbortSignal): Promise<{ tty: boolean; stream: Readable }>;
  attach(idOrName: string, options: AttachOptions): Promise<AttachedStream>;
  resize(idOrName: string, size: { rows: number; columns: number }): Promise<void>;
  top(idOrName: string, psArgs: string): Promise<ContainerTop>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>;
  statPath(idOrName: string, path: string): Promise<PathStat>;
  /** The tar of a file or directory. The archive must be read, sent or closed. */
  archive(idOrName: string, path: string): Promise<{ stat: PathStat; archive: HeldArchive }>;
  /** Unpacks a tar, plain or compressed, into a directory. */
  extract(
    idOrName: string,
    path: string,
    archive: Readable,
    options: { noOverwriteDirNonDir: boolean; copyUIDGID: boolean },
  ): Promise<void>;
  /** The tar of the root without volumes. The archive must be read, sent or closed. */
  export(idOrName: string): Promise<HeldArchive>;
  changes(idOrName: string): Promise<readonly FileChange[]>;
  /** Makes an image of what the container has changed. */
  commit(request: CommitRequest): Promise<{ Id: string }>;
  /** Limits and restart policy; what is unset stays. */
  update(idOrName: string, request: ContainerUpdateRequest): Promise<{ Warnings: string[] | null }>;
  /** Samples, one a second with `stream`; otherwise one, after a second unless `oneShot`. */
  stats(
    idOrName: string,
    options: { stream: boolean; oneShot: boolean },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ContainerStats>>;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface StopOptions {
  readonly signal?: string;
  /** Seconds; negative waits for ever. */
  readonly timeout?: number;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Unix seconds with fraction; 0 is unset. */
  readonly since: number;
  readonly until: number;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Negative is all. */
  readonly tail: number;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly stream: boolean;
  readonly logs: boolean;
  readonly detachKeys: string | undefined;
}

/** Reading gives stdcopy frames (raw with a tty); writing feeds stdin. Detach keys are already looked for. */
export interface AttachedStream {
  readonly tty: boolean;
  readonly stream: Duplex;
  /** A client is told that output ended only after this: it asks for the exit code then. */
  readonly ended?: Promise<unknown>;
}

export interface ExecUseCases {
  create(idOrName: string, request: ExecCreateRequest): Promise<{ Id: string }>;
  /** With `detach` resolves when it runs, with no stream. */
  start(
    execId: string,
    options: { detach: boolean; tty: boolean; consoleSize?: [height: number, width: number] },
  ): Promise<AttachedStream | undefined>;
  inspect(execId: string): Promise<ExecInspect>;
  resize(execId: string, size: { rows: number; columns: number }): Promise<void>;
}

export interface ImageUseCases {
  list(options: {
    all: boolean;
    digests: boolean;
    manifests: boolean;
    sharedSize: boolean;
    filters: Filters;
  }): Promise<ImageSummary[]>;
  inspect(name: string, options: { manifests: boolean; platform?: Platform }): Promise<ImageInspect>;
  history(name: string, platform: Platform | undefined): Promise<ImageHistoryItem[]>;
  tag(name: string, repo: string, tag: string): Promise<void>;
  remove(
    name: string,
    options: { force: boolean; noprune: boolean; platforms: readonly Platform[] },
  ): Promise<ImageDeleteItem[]>;
  /** From a registry; without tag or digest all tags of the repository. */
  pull(image: string, options: PullImageOptions, progress: (message: JsonMessage) => void): Promise<void>;
  /** To a registry; without a tag all tags of the repository. */
  push(image: string, options: PushImageOptions, progress: (message: JsonMessage) => void): Promise<void>;
  prune(filters: Filters): Promise<{ ImagesDeleted: ImageDeleteItem[] | null; SpaceReclaimed: number }>;
  load(
    archive: Readable,
    options: { quiet: boolean; platforms: readonly Platform[]; signal: AbortSignal },
    progress: (message: JsonMessage) => void,
  ): Promise<void>;
  save(names: readonly string[], options: { platforms: readonly Platform[]; signal: AbortSignal }): Promise<Readable>;
  import(
    source: Readable,
    options: {
      repo: string;
      tag: string;
      message: string;
      changes: readonly string[];
      platform?: Platform;
      signal: AbortSignal;
    },
    progress: (message: JsonMessage) => void,
  ): Promise<void>;
}

export type BuildRequest = ClassicRequest;

export interface BuildUseCases extends BuildRecords {
  /** Builds an image of the Dockerfile in a context. A command that fails is its last message; the rest is thrown. */
  build(context: Readable, request: BuildRequest, send: (message: JsonMessage) => void): Promise<void>;
  /** Ends the build of that name; nothing where there is none. */
  cancel(buildId: string): void;
  /** BuildKit's API on a connection that was upgraded to HTTP/2. Resolves when it has ended. */
  serveApi(socket: Socket, head: Buffer): Promise<void>;
  /** A client that builds ask for their files; it is the daemon that calls. Resolves when it has gone. */
  holdSession(socket: Socket, head: Buffer, facts: SessionFacts): Promise<void>;
  /** What builds have kept for builds to come. */
  cache(): Promise<BuildCacheRecord[]>;
  /** Removes of that what nothing uses; without `all` only what no image has. */
  prune(options: BuildPruneOptions): Promise<{ CachesDeleted: string[] | null; SpaceReclaimed: number }>;
}

/** What registries are asked without anything being brought here. */
export interface RegistryUseCases {
  login(credentials: AuthConfig, signal: AbortSignal): Promise<AuthResponse>;
  search(term: string, options: SearchOptions): Promise<readonly SearchItem[]>;
  inspect(name: string, options: { auth: string | undefined; signal: AbortSignal }): Promise<DistributionInspect>;
}

export interface NetworkUseCases {
  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse>;
  list(filters: Filters): Promise<NetworkInspect[]>;
  inspect(idOrName: string, options: { verbose: boolean; scope: string }): Promise<NetworkInspect>;
  remove(idOrName: string): Promise<void>;
  connect(idOrName: string, container: string, settings: EndpointSettings | undefined): Promise<void>;
  disconnect(idOrName: string, container: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }>;
}

export interface VolumeUseCases {
  create(request: VolumeCreateRequest): Promise<VolumeInspect>;
  list(filters: Filters): Promise<VolumeList>;
  inspect(name: string): Promise<VolumeInspect>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>;
}

export interface SystemUseCases {
  info(): Promise<SystemInfo>;
  version(): Promise<VersionInfo>;
  diskUsage(types: readonly string[]): Promise<DiskUsage>;
  /** Replays since..now, then streams until `until`, abort, or for ever. Unix seconds with fraction. */
  events(
    options: { since?: number; until?: number; filters: Filters },
    signal: AbortSignal,
  ): AsyncIterable<EventMessage>;
}
