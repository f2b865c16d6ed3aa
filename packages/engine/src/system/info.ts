import { readdir } from 'node:fs/promises';
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os';
import type { SystemInfo } from '@wharf/api/system';
import { newId } from '@wharf/base/id';
import { timestamp } from '@wharf/base/timestamp';
import type { ContainerDeps } from '../engine-deps.ts';
import { readOsRelease, readText } from './host.ts';

type InfoDeps = Pick<
  ContainerDeps,
  'config' | 'volumes' | 'networking' | 'containers' | 'images' | 'events' | 'database' | 'runtimes' | 'hostFacts'
>;

/** `docker info`: everything is true of this host, or empty. */
export async function systemInfo(deps: InfoDeps): Promise<SystemInfo> {
  const { config, images, events, hostFacts: host } = deps;
  const os = readOsRelease();
  const commit = { ID: '' };
  return {
    ID: engineId(deps),
    ...countContainers(deps),
    Images: images.images().length,
    Driver: 'overlayfs',
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    DockerRootDir: config.dataRoot,
    Plugins: {
      Volume: [...deps.volumes.drivers()],
      Network: [...deps.networking.drivers()],
      Authorization: config.authorizationPlugins.length > 0 ? [...config.authorizationPlugins] : null,
      Log: ['fluentd', 'gelf', 'journald', 'json-file', 'local', 'none', 'syslog'],
    },
    MemoryLimit: host.memoryLimit,
    SwapLimit: host.swapLimit,
    CpuCfsPeriod: host.cpuCfs,
    CpuCfsQuota: host.cpuCfs,
    CPUShares: host.cpuShares,
    CPUSet: host.cpuset,
    PidsLimit: host.pidsLimit,
    OomKillDisable: host.oomKillDisable,
    IPv4Forwarding: readText('/proc/sys/net/ipv4/ip_forward') === '1',
    Debug: config.debug,
    NFd: (await readdir('/proc/self/fd')).length,
    NGoroutines: (await readdir('/proc/self/task')).length,
    SystemTime: timestamp(),
    LoggingDriver: config.logging.driver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: host.cgroupVersion === 2 ? '2' : '1',
    NEventsListener: events.listenerCount,
    KernelVersion: release(),
    OperatingSystem: os.PRETTY_NAME ?? 'Linux',
    OSVersion: os.VERSION_ID ?? '',
    OSType: 'linux',
    Architecture: machine(),
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(config.registry),
    GenericResources: null,
    HttpProxy: config.proxies.http,
    HttpsProxy: config.proxies.https,
    NoProxy: config.proxies.no,
    Name: hostname(),
    Labels: [...config.labels],
    ExperimentalBuild: config.experimental,
    ServerVersion: config.build.version,
    Runtimes: describeRuntimes(deps),
    DefaultRuntime: config.defaultRuntime,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: config.liveRestore,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: commit,
    RuncCommit: { ID: Object.values(deps.runtimes).find(({ command }) => command.name === 'runc')?.version ?? '' },
    InitCommit: commit,
    SecurityOptions: securityOptions(deps),
    DefaultAddressPools: config.addressPools.map(({ base, size }) => ({ Base: base, Size: size })),
    FirewallBackend: { Driver: 'nftables' },
    CDISpecDirs: [],
    Warnings: warnings(deps),
  };
}

/** Made at the first start and kept: tools recognize an engine by it. */
export function engineId({ database }: Pick<InfoDeps, 'database'>): string {
  const known = database.getMeta('engine_id');
  if (known !== undefined) return known;
  const hex = newId().slice(0, 32);
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  database.setMeta('engine_id', id);
  return id;
}

function countContainers({
  containers,
}: InfoDeps): Pick<SystemInfo, 'Containers' | 'ContainersRunning' | 'ContainersPaused' | 'ContainersStopped'> {
  let total = 0;
  let running = 0;
  let paused = 0;
  for (const { state } of containers.values()) {
    total += 1;
    if (state.status === 'running' || state.status === 'restarting') running += 1;
    else if (state.status === 'paused') paused += 1;
  }
  return {
    Containers: total,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: total - running - paused,
  };
}

function registryConfig({ mirrors, insecure }: InfoDeps['config']['registry']): SystemInfo['RegistryConfig'] {
  const ranges = insecure.filter((entry) => /^[\d.a-f:]+\/\d+$/i.test(entry));
  const hosts = insecure.filter((entry) => !ranges.includes(entry));
  return {
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...ranges],
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors: [...mirrors], Secure: true, Official: true },
      ...Object.fromEntries(
        hosts.map((host) => [host, { Name: host, Mirrors: [], Secure: false, Official: false }] as const),
      ),
    },
    Mirrors: mirrors.length === 0 ? null : [...mirrors],
  };
}

function describeRuntimes({ runtimes }: InfoDeps): SystemInfo['Runtimes'] {
  return Object.fromEntries(
    Object.entries(runtimes).map(([name, { command }]) => [
      name,
      { path: command.path, ...(command.args && { runtimeArgs: [...command.args] }) },
    ]),
  );
}

function securityOptions({ config, hostFacts }: InfoDeps): string[] {
  const options: string[] = [];
  if (hostFacts.apparmor) options.push('name=apparmor');
  if (hostFacts.seccomp) options.push('name=seccomp,profile=builtin');
  if (config.idMapping) options.push('name=userns');
  if (hostFacts.cgroupVersion === 2) options.push('name=cgroupns');
  return options;
}

function warnings({ hostFacts: host }: InfoDeps): string[] | null {
  const found: string[] = [];
  if (!host.memoryLimit) found.push('WARNING: No memory limit support');
  if (!host.swapLimit) found.push('WARNING: No swap limit support');
  if (!host.cpuCfs) found.push('WARNING: No cpu cfs quota support');
  if (!host.cpuset) found.push('WARNING: No cpuset support');
  if (!host.pidsLimit) found.push('WARNING: No pids limit support');
  if (readText('/proc/sys/net/ipv4/ip_forward') !== '1') found.push('WARNING: IPv4 forwarding is disabled');
  return found.length === 0 ? null : found;
}
