import {
  boolean,
  type Decoder,
  emptyStruct,
  integer,
  list,
  map,
  nullable,
  struct,
  text,
  textsOrText,
  uint16,
  uint64,
} from '@wharf/base/decode';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  ContainerUpdateRequest,
  DeviceMapping,
  DeviceRequest,
  HealthConfig,
  HostConfig,
  LogConfig,
  Resources,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  WeightDevice,
} from '../container.ts';
import { consoleSize } from './exec.ts';
import { mount } from './mount.ts';
import { networkingConfig, portMap } from './network.ts';

const healthConfig = struct<HealthConfig>('HealthConfig', {
  Test: list(text),
  Interval: integer,
  Timeout: integer,
  StartPeriod: integer,
  StartInterval: integer,
  Retries: integer,
});

const configFields = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  ExposedPorts: map(emptyStruct),
  Tty: boolean,
  OpenStdin: boolean,
  StdinOnce: boolean,
  Env: list(text),
  Cmd: textsOrText,
  Healthcheck: nullable(healthConfig),
  ArgsEscaped: boolean,
  Image: text,
  Volumes: map(emptyStruct),
  WorkingDir: text,
  Entrypoint: textsOrText,
  NetworkDisabled: boolean,
  OnBuild: list(text),
  Labels: map(text),
  StopSignal: text,
  StopTimeout: nullable(integer),
  Shell: textsOrText,
} as const satisfies { [K in keyof ContainerConfig]: Decoder<ContainerConfig[K]> };

const weightDevices = list(struct<WeightDevice>('WeightDevice', { Path: text, Weight: uint16 }));
const throttleDevices = list(struct<ThrottleDevice>('ThrottleDevice', { Path: text, Rate: uint64 }));
const ulimit = struct<Ulimit>('Ulimit', { Name: text, Soft: integer, Hard: integer });

const deviceMapping = struct<DeviceMapping>('DeviceMapping', {
  PathOnHost: text,
  PathInContainer: text,
  CgroupPermissions: text,
});

const deviceRequest = struct<DeviceRequest>('DeviceRequest', {
  Driver: text,
  Count: integer,
  DeviceIDs: list(text),
  Capabilities: list((value, path) => list(text)(value, path) ?? []),
  Options: map(text),
});

const resourceFields = {
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: uint16,
  BlkioWeightDevice: weightDevices,
  BlkioDeviceReadBps: throttleDevices,
  BlkioDeviceWriteBps: throttleDevices,
  BlkioDeviceReadIOps: throttleDevices,
  BlkioDeviceWriteIOps: throttleDevices,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: list(deviceMapping),
  DeviceCgroupRules: list(text),
  DeviceRequests: list(deviceRequest),
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: nullable(integer),
  OomKillDisable: nullable(boolean),
  PidsLimit: nullable(integer),
  Ulimits: list(ulimit),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: uint64,
  IOMaximumBandwidth: uint64,
} as const satisfies { [K in keyof Resources]: Decoder<Resources[K]> };

const logConfig = struct<LogConfig>('LogConfig', { Type: text, Config: map(text) });

const restartPolicy = struct<RestartPolicy>('RestartPolicy', {
  // Which names exist is validated with the rest of the policy, where Docker's message is made.
  Name: text as Decoder<RestartPolicy['Name']>,
  MaximumRetryCount: integer,
});

const hostConfig = struct<HostConfig>('HostConfig', {
  ...resourceFields,
  Binds: list(text),
  ContainerIDFile: text,
  LogConfig: logConfig,
  NetworkMode: text,
  PortBindings: portMap,
  RestartPolicy: restartPolicy,
  AutoRemove: boolean,
  VolumeDriver: text,
  VolumesFrom: list(text),
  ConsoleSize: consoleSize,
  Annotations: map(text),
  CapAdd: textsOrText,
  CapDrop: textsOrText,
  CgroupnsMode: text,
  Dns: list(text),
  DnsOptions: list(text),
  DnsSearch: list(text),
  ExtraHosts: list(text),
  GroupAdd: list(text),
  IpcMode: text,
  Cgroup: text,
  Links: list(text),
  OomScoreAdj: integer,
  PidMode: text,
  Privileged: boolean,
  PublishAllPorts: boolean,
  ReadonlyRootfs: boolean,
  SecurityOpt: list(text),
  StorageOpt: map(text),
  Tmpfs: map(text),
  UTSMode: text,
  UsernsMode: text,
  ShmSize: integer,
  Sysctls: map(text),
  Runtime: text,
  Isolation: text,
  Mounts: list(mount),
  MaskedPaths: list(text),
  ReadonlyPaths: list(text),
  Init: nullable(boolean),
});

/** `MacAddress` of the config went to the endpoints in 1.44; the server moves it for older clients. */
export type SentContainerCreateRequest = ContainerCreateRequest & { MacAddress: string };

export const containerCreateRequest = struct<SentContainerCreateRequest>('CreateRequest', {
  ...configFields,
  MacAddress: text,
  HostConfig: hostConfig,
  NetworkingConfig: networkingConfig,
});

/** The body of `POST /commit`. */
export const containerConfig = struct<ContainerConfig>('Config', configFields);

export const containerUpdateRequest = struct<ContainerUpdateRequest>('UpdateConfig', {
  ...resourceFields,
  RestartPolicy: restartPolicy,
});
