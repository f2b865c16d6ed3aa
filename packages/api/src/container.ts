import type { ImageManifestDescriptor, StringMap } from './common.ts';
import type { EndpointSettings, NetworkingConfig, PortBinding, PortMap } from './network.ts';

/**
 * Containers as the Engine API spells them. Values are fully defaulted by `decode/`: maps are never null, lists are
 * `null` where Docker tells an absent list from an empty one, numbers are 0 and texts '' when unset.
 */
export interface ContainerConfig {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  /** Keys as `80/tcp`. */
  ExposedPorts: Record<string, object>;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  /** `NAME=value`; an entry without `=` removes an inherited variable. */
  Env: string[] | null;
  Cmd: string[] | null;
  Healthcheck: HealthConfig | null;
  ArgsEscaped: boolean;
  Image: string;
  /** Keys are paths inside the container. */
  Volumes: Record<string, object>;
  WorkingDir: string;
  /** `null` inherits the image's; `['']` clears it. */
  Entrypoint: string[] | null;
  NetworkDisabled: boolean;
  OnBuild: string[] | null;
  Labels: StringMap;
  StopSignal: string;
  /** Seconds. */
  StopTimeout: number | null;
  Shell: string[] | null;
}

/** Times in nanoseconds; 0 inherits. `Test`: [] inherit, ['NONE'], ['CMD', ...], ['CMD-SHELL', line]. */
export interface HealthConfig {
  Test: string[] | null;
  Interval: number;
  Timeout: number;
  StartPeriod: number;
  StartInterval: number;
  Retries: number;
}

export interface Resources {
  CpuShares: number;
  /** Bytes; 0 is unlimited. */
  Memory: number;
  /** CPUs times 10^9. */
  NanoCpus: number;
  CgroupParent: string;
  BlkioWeight: number;
  BlkioWeightDevice: WeightDevice[] | null;
  BlkioDeviceReadBps: ThrottleDevice[] | null;
  BlkioDeviceWriteBps: ThrottleDevice[] | null;
  BlkioDeviceReadIOps: ThrottleDevice[] | null;
  BlkioDeviceWriteIOps: ThrottleDevice[] | null;
  /** Microseconds. */
  CpuPeriod: number;
  CpuQuota: number;
  CpuRealtimePeriod: number;
  CpuRealtimeRuntime: number;
  CpusetCpus: string;
  CpusetMems: string;
  Devices: DeviceMapping[] | null;
  DeviceCgroupRules: string[] | null;
  DeviceRequests: DeviceRequest[] | null;
  MemoryReservation: number;
  /** Memory plus swap, bytes; -1 unlimited, 0 twice `Memory`. */
  MemorySwap: number;
  MemorySwappiness: number | null;
  OomKillDisable: boolean | null;
  /** `null`, 0 and -1: unlimited. */
  PidsLimit: number | null;
  Ulimits: Ulimit[] | null;
  CpuCount: number;
  CpuPercent: number;
  IOMaximumIOps: number;
  IOMaximumBandwidth: number;
}

export interface HostConfig extends Resources {
  /** `source:target[:options]`, or a target alone. */
  Binds: string[] | null;
  ContainerIDFile: string;
  LogConfig: LogConfig;
  /** '' and `default` are bridge; host, none, container:<id>, or a network's name. */
  NetworkMode: string;
  PortBindings: PortMap;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
  VolumeDriver: string;
  VolumesFrom: string[] | null;
  /** Height, width. */
  ConsoleSize: [height: number, width: number];
  Annotations: StringMap;
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  CgroupnsMode: string;
  Dns: string[] | null;
  DnsOptions: string[] | null;
  DnsSearch: string[] | null;
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  IpcMode: string;
  Cgroup: string;
  Links: string[] | null;
  OomScoreAdj: number;
  PidMode: string;
  Privileged: boolean;
  PublishAllPorts: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  StorageOpt: StringMap;
  /** Target path to mount options. */
  Tmpfs: StringMap;
  UTSMode: string;
  UsernsMode: string;
  /** Bytes; 0 is the daemon's default. */
  ShmSize: number;
  Sysctls: StringMap;
  Runtime: string;
  Isolation: string;
  Mounts: Mount[] | null;
  /** `null` is the default list, `[]` masks nothing. */
  MaskedPaths: string[] | null;
  ReadonlyPaths: string[] | null;
  /** `null` is the daemon's default. */
  Init: boolean | null;
}

export interface LogConfig {
  Type: string;
  Config: StringMap;
}

export interface RestartPolicy {
  Name: '' | 'no' | 'always' | 'on-failure' | 'unless-stopped';
  MaximumRetryCount: number;
}

export interface WeightDevice {
  Path: string;
  Weight: number;
}

export interface ThrottleDevice {
  Path: string;
  Rate: number;
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

export interface DeviceRequest {
  Driver: string;
  Count: number;
  DeviceIDs: string[] | null;
  Capabilities: string[][] | null;
  Options: StringMap;
}

export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

export type MountType = 'bind' | 'volume' | 'tmpfs' | 'image' | 'npipe' | 'cluster';

export interface Mount {
  Type: MountType;
  Source: string;
  Target: string;
  ReadOnly: boolean;
  Consistency: string;
  BindOptions: BindOptions | null;
  VolumeOptions: VolumeOptions | null;
  ImageOptions: { Subpath: string } | null;
  TmpfsOptions: TmpfsOptions | null;
}

export interface BindOptions {
  Propagation: string;
  NonRecursive: boolean;
  CreateMountpoint: boolean;
  ReadOnlyNonRecursive: boolean;
  ReadOnlyForceRecursive: boolean;
}

export interface VolumeOptions {
  NoCopy: boolean;
  Labels: StringMap;
  DriverConfig: { Name: string; Options: StringMap } | null;
  Subpath: string;
}

export interface TmpfsOptions {
  /** 0 is the kernel's default. */
  SizeBytes: number;
  /** Permission bits; 0 is 01777. */
  Mode: number;
  /** `[['noexec'], ['uid', '1000']]` */
  Options: string[][] | null;
}

export interface ContainerCreateRequest extends ContainerConfig {
  HostConfig: HostConfig;
  NetworkingConfig: NetworkingConfig;
}

export interface ContainerCreateResponse {
  Id: string;
  Warnings: string[];
}

export interface ContainerUpdateRequest extends Resources {
  RestartPolicy: RestartPolicy;
}

export interface WaitResponse {
  StatusCode: number;
  Error?: { Message: string };
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` is never. */
  StartedAt: string;
  FinishedAt: string;
  Health?: Health;
}

export type HealthStatus = 'none' | 'starting' | 'healthy' | 'unhealthy';

export interface Health {
  Status: HealthStatus;
  FailingStreak: number;
  Log: HealthcheckResult[] | null;
}

export interface HealthcheckResult {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}

/** One mounted place, as inspect and list show it. */
export interface MountPoint {
  Type: MountType;
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
}

export interface ContainerInspect {
  Id: string;
  Created: string;
  Path: string;
  Args: string[];
  State: ContainerState;
  /** Image id, `sha256:...`. */
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  /** With the leading slash. */
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  ImageManifestDescriptor?: ImageManifestDescriptor;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: string[] | null;
  HostConfig: HostConfig;
  /** The graph driver of old clients, where the image store is not containerd's. */
  GraphDriver?: { Name: string; Data: StringMap | null };
  /** What lies under `/` on the snapshotter store. */
  Storage?: { RootFS?: { Snapshot?: { Name: string } } };
  SizeRw?: number;
  SizeRootFs?: number;
  Mounts: MountPoint[];
  Config: ContainerConfig;
  NetworkSettings: NetworkSettings;
}

/** The fields before 1.52 that repeat the default bridge's endpoint are made by `server/compat`. */
export interface NetworkSettings {
  SandboxID: string;
  SandboxKey: string;
  Ports: Record<string, readonly PortBinding[] | null>;
  Networks: Record<string, EndpointSettings>;
}

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

export interface ContainerSummary {
  Id: string;
  /** With leading slashes. */
  Names: string[];
  Image: string;
  ImageID: string;
  ImageManifestDescriptor?: ImageManifestDescriptor;
  Command: string;
  /** Unix seconds. */
  Created: number;
  Ports: PortSummary[];
  SizeRw?: number;
  SizeRootFs?: number;
  Labels: StringMap;
  State: ContainerStatus;
  /** `Up 3 minutes (healthy)` */
  Status: string;
  HostConfig: { NetworkMode: string; Annotations?: StringMap };
  Health?: { Status: HealthStatus; FailingStreak: number };
  NetworkSettings: { Networks: Record<string, EndpointSettings> };
  Mounts: MountPoint[];
}

export interface ContainerTop {
  Titles: string[];
  Processes: string[][];
}
