import type { HealthConfig, HostConfig, RestartPolicy } from '@wharf/api/container';
import type { EndpointSettings } from '@wharf/api/network';
import type { Cli } from '../../cli.ts';
import { ExitError } from '../../exit-error.ts';
import { isChanged, type Values } from '../../flags/flag.ts';
import { toMap } from '../../flags/key-values.ts';
import { cut } from '../../flags/parse.ts';
import { UsageError } from '../../flags/usage-error.ts';
import { isCdiDevice, parseDevice } from '../../flags/values/device.ts';
import { isMacAddress } from '../../flags/values/network.ts';
import { parseExpose, parsePublished } from '../../flags/values/port.ts';
import { splitVolumes } from '../../flags/values/volume.ts';
import type { containerFlags } from './container-flags.ts';
import { endpointsOf } from './endpoints.ts';
import { environmentOf, labelsOf } from './environment.ts';
import { proxiesOf, withProxies } from './proxies.ts';
import { parseSecurityOptions } from './security-options.ts';

export type ContainerValues = Values<typeof containerFlags>;

/** The body of `POST /containers/create`. */
export interface CreateBody {
  Image: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  HostConfig: { ConsoleSize: [height: number, width: number]; ContainerIDFile: string } & Partial<HostConfig>;
  NetworkingConfig: { EndpointsConfig: Record<string, Partial<EndpointSettings>> };
  readonly [field: string]: unknown;
}

const windowsFlags = ['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops'] as const;

/** Maps the flags onto the API, field by field. Reads the files that flags name. Throws UsageError. */
export async function createRequest(
  cli: Cli,
  flags: ContainerValues,
  image: string,
  args: readonly string[],
): Promise<CreateBody> {
  if (flags['use-api-socket']) throw new UsageError('--use-api-socket is not supported by wharf yet');
  if (flags['mac-address'] !== '' && !isMacAddress(flags['mac-address'])) {
    throw new UsageError(`${flags['mac-address']} is not a valid mac address`);
  }
  for (const name of windowsFlags) {
    if (isChanged(flags, name)) {
      throw new ExitError(
        1,
        `"--${name}" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux`,
      );
    }
  }
  if (isChanged(flags, 'kernel-memory')) {
    cli.err.print('WARNING: kernels no longer limit kernel memory alone: --kernel-memory has no effect\n');
  }
  const swappiness = flags['memory-swappiness'];
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new UsageError(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  const attachAll = flags.attach.length === 0;
  const AttachStdin = flags.attach.includes('stdin') || flags.interactive;
  const { binds, anonymous } = splitVolumes(flags.volume);
  const ports = parsePublished(flags.publish);
  for (const spec of flags.expose) for (const key of parseExpose(spec)) ports.exposed[key] = {};
  const networks = [...flags.network, ...flags.net];
  return {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    AttachStdin,
    AttachStdout: attachAll || flags.attach.includes('stdout'),
    AttachStderr: attachAll || flags.attach.includes('stderr'),
    ExposedPorts: ports.exposed,
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && AttachStdin,
    Env: withProxies(await environmentOf(cli, flags['env-file'], flags.env, true), await proxiesOf(cli)),
    Cmd: args.length > 0 ? args : null,
    Image: image,
    Volumes: Object.fromEntries(anonymous.map((path) => [path, {}])),
    WorkingDir: flags.workdir,
    Entrypoint: flags.entrypoint !== '' ? [flags.entrypoint] : isChanged(flags, 'entrypoint') ? [''] : null,
    Labels: toMap(await labelsOf(cli, flags['label-file'], flags.label)),
    Healthcheck: healthcheckOf(flags),
    ...(isChanged(flags, 'stop-signal') ? { StopSignal: flags['stop-signal'] } : {}),
    ...(isChanged(flags, 'stop-timeout') ? { StopTimeout: flags['stop-timeout'] } : {}),
    HostConfig: {
      ...(await hostConfigOf(flags, binds)),
      PortBindings: ports.bindings,
      NetworkMode: networks[0]?.target ?? 'default',
    },
    NetworkingConfig: { EndpointsConfig: endpointsOf(flags, networks) },
  };
}

async function hostConfigOf(flags: ContainerValues, Binds: readonly string[]) {
  const { securityOptions, maskedPaths, readonlyPaths } = await parseSecurityOptions(flags['security-opt']);
  const cdi = flags.device.filter(isCdiDevice);
  const devices = flags.device.filter((device) => !isCdiDevice(device));
  const glob = devices.some((device) => device.includes('*')) ? (await import('node:fs')).globSync : undefined;
  const restart = parseRestartPolicy(flags.restart);
  if (flags.rm && restart.Name !== '' && restart.Name !== 'no') {
    throw new UsageError('conflicting options: cannot specify both --restart and --rm');
  }
  checkMode('pid', 'PID', flags.pid === '' || flags.pid === 'host' || isContainerMode(flags.pid));
  checkMode('uts', 'UTS', ['', 'host'].includes(flags.uts));
  checkMode('userns', 'USER', ['', 'host'].includes(flags.userns));
  checkMode('cgroupns', 'CGROUP', ['', 'host', 'private'].includes(flags.cgroupns));
  if (flags['log-driver'] === 'none' && flags['log-opt'].length > 0) {
    throw new UsageError('invalid logging opts for driver none');
  }
  return {
    Binds: Binds.length > 0 ? [...Binds] : null,
    ContainerIDFile: flags.cidfile,
    LogConfig: { Type: flags['log-driver'], Config: toMap(flags['log-opt']) },
    RestartPolicy: restart,
    AutoRemove: flags.rm,
    VolumeDriver: flags['volume-driver'],
    VolumesFrom: orNull(flags['volumes-from']),
    ConsoleSize: [0, 0] as [number, number],
    Annotations: toMap(flags.annotation),
    CapAdd: orNull(capabilities(flags['cap-add'])),
    CapDrop: orNull(capabilities(flags['cap-drop'])),
    CgroupnsMode: flags.cgroupns,
    Dns: [...flags.dns],
    DnsOptions: [...flags['dns-option'], ...flags['dns-opt']],
    DnsSearch: [...flags['dns-search']],
    ExtraHosts: orNull(flags['add-host']),
    GroupAdd: orNull(flags['group-add']),
    IpcMode: flags.ipc,
    Links: orNull(flags.link),
    OomScoreAdj: flags['oom-score-adj'],
    PidMode: flags.pid,
    Privileged: flags.privileged,
    PublishAllPorts: flags['publish-all'],
    ReadonlyRootfs: flags['read-only'],
    SecurityOpt: orNull(securityOptions),
    ...storageOptions(flags['storage-opt']),
    ...tmpfsOf(flags.tmpfs),
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    ShmSize: flags['shm-size'],
    ...(flags.sysctl.length > 0 ? { Sysctls: toMap(flags.sysctl) } : {}),
    Runtime: flags.runtime,
    Isolation: flags.isolation,
    MaskedPaths: maskedPaths,
    ReadonlyPaths: readonlyPaths,
    ...(isChanged(flags, 'init') ? { Init: flags.init } : {}),
    ...(flags.mount.length > 0 ? { Mounts: flags.mount as HostConfig['Mounts'] } : {}),
    ...resourcesOf(flags),
    Devices: devices.flatMap((device) => parseDevice(device, (pattern) => glob?.(pattern) ?? [])),
    DeviceRequests: orNull([
      ...flags.gpus,
      ...(cdi.length > 0 ? [{ Driver: 'cdi', Count: 0, DeviceIDs: cdi, Capabilities: null, Options: {} }] : []),
    ]),
  };
}

function resourcesOf(flags: ContainerValues) {
  return {
    CpuShares: flags['cpu-shares'],
    Memory: flags.memory,
    NanoCpus: flags.cpus,
    CgroupParent: flags['cgroup-parent'],
    BlkioWeight: flags['blkio-weight'],
    BlkioWeightDevice: [...flags['blkio-weight-device']],
    BlkioDeviceReadBps: [...flags['device-read-bps']],
    BlkioDeviceWriteBps: [...flags['device-write-bps']],
    BlkioDeviceReadIOps: [...flags['device-read-iops']],
    BlkioDeviceWriteIOps: [...flags['device-write-iops']],
    CpuPeriod: flags['cpu-period'],
    CpuQuota: flags['cpu-quota'],
    CpuRealtimePeriod: flags['cpu-rt-period'],
    CpuRealtimeRuntime: flags['cpu-rt-runtime'],
    CpusetCpus: flags['cpuset-cpus'],
    CpusetMems: flags['cpuset-mems'],
    DeviceCgroupRules: orNull(flags['device-cgroup-rule']),
    MemoryReservation: flags['memory-reservation'],
    MemorySwap: flags['memory-swap'],
    MemorySwappiness: flags['memory-swappiness'],
    OomKillDisable: flags['oom-kill-disable'],
    PidsLimit: flags['pids-limit'],
    Ulimits: [...new Map(flags.ulimit.map((limit) => [limit.Name, limit])).values()].sort((a, b) =>
      a.Name < b.Name ? -1 : 1,
    ),
  };
}

function healthcheckOf(flags: ContainerValues): Partial<HealthConfig> | null {
  const command = flags['health-cmd'];
  const times = {
    Interval: flags['health-interval'],
    Timeout: flags['health-timeout'],
    StartPeriod: flags['health-start-period'],
    StartInterval: flags['health-start-interval'],
    Retries: flags['health-retries'],
  };
  const given = command !== '' || Object.values(times).some((value) => value !== 0);
  if (flags['no-healthcheck']) {
    if (given) throw new UsageError('--no-healthcheck conflicts with --health-* options');
    return { Test: ['NONE'] };
  }
  if (!given) return null;
  for (const name of [
    'health-interval',
    'health-timeout',
    'health-retries',
    'health-start-period',
    'health-start-interval',
  ] as const) {
    if (flags[name] < 0) throw new UsageError(`--${name} cannot be negative`);
  }
  const set = Object.fromEntries(Object.entries(times).filter(([, value]) => value !== 0));
  return { ...(command === '' ? {} : { Test: ['CMD-SHELL', command] }), ...set };
}

/** `no`, `always`, `unless-stopped`, `on-failure[:n]`. */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [name, count] = cut(text, ':');
  if (text !== '' && name === '')
    throw new UsageError('invalid restart policy format: no policy provided before colon');
  if (count !== undefined && !/^-?\d+$/.test(count)) {
    throw new UsageError('invalid restart policy format: maximum retry count must be an integer');
  }
  // The daemon knows the names; it refuses the others.
  return { Name: name as RestartPolicy['Name'], MaximumRetryCount: Number(count ?? 0) };
}

function storageOptions(options: readonly string[]): { StorageOpt?: Record<string, string> } {
  if (options.some((option) => !option.includes('='))) throw new UsageError('invalid storage option');
  return options.length > 0 ? { StorageOpt: toMap(options) } : {};
}

function tmpfsOf(mounts: readonly string[]): { Tmpfs?: Record<string, string> } {
  if (mounts.length === 0) return {};
  return { Tmpfs: Object.fromEntries(mounts.map((mount) => [cut(mount, ':')[0], cut(mount, ':')[1] ?? ''])) };
}

/** `net_admin` as `CAP_NET_ADMIN`, each once, in order. */
function capabilities(names: readonly string[]): string[] {
  const whole = names.map((name) => {
    const upper = name.trim().toUpperCase();
    return upper === 'ALL' || upper === 'RESET' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  });
  return [...new Set(whole)].sort();
}

function checkMode(flag: string, kind: string, valid: boolean): void {
  if (!valid) throw new UsageError(`--${flag}: invalid ${kind} mode`);
}

function isContainerMode(mode: string): boolean {
  return /^container:[^:]+$/.test(mode);
}

function orNull<T>(values: readonly T[]): T[] | null {
  return values.length > 0 ? [...values] : null;
}
