import { isIP } from 'node:net';
import { posix } from 'node:path';
import type { ContainerConfig, ContainerCreateRequest, HostConfig, LogConfig } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';
import { parseSize } from '@wharf/base/size';
import { defaultReadonlyPaths } from '@wharf/runtime/spec/system-paths';
import { parseSignal } from '../signal.ts';
import { validateCapabilities } from './capabilities.ts';
import { validateHealthcheck } from './health.ts';
import type { HostFacts } from './host-facts.ts';
import { resolveLogConfig, validateLogConfig } from './log-config.ts';
import { refuseHostNamespaces, validateModes, validateNetworkConflicts } from './modes.ts';
import { validateMounts, validateTmpfs } from './mounts.ts';
import { validateExposedPorts, validatePortBindings } from './ports.ts';
import { validateResources } from './resources.ts';
import { validateRestartPolicy } from './restart-policy.ts';
import { validateSecurityOptions } from './security-options.ts';
import { validateSysctls } from './sysctls.ts';

/** What the daemon's configuration says for containers that say nothing. */
export interface CreateDefaults {
  readonly runtime: string;
  readonly runtimes: ReadonlySet<string>;
  readonly shmSize: number;
  readonly ipcMode: string;
  /** undefined: private on cgroup v2, host on v1. */
  readonly cgroupnsMode: string | undefined;
  readonly logConfig: LogConfig;
  /** Containers run in a user namespace unless they ask for the host's. */
  readonly remapped: boolean;
}

export interface ValidatedCreate {
  /** The request with defaults filled in and what the host cannot do taken out. */
  readonly request: ContainerCreateRequest;
  /** For the client. */
  readonly warnings: string[];
}

/** All that can be said of a create request without its image. Throws invalid_argument with Docker's text. */
export function validateCreate(
  request: ContainerCreateRequest,
  facts: HostFacts,
  defaults: CreateDefaults,
): ValidatedCreate {
  validateNetworkConflicts(request);
  const config = validateConfig(request);
  const { hostConfig, warnings } = validateHostConfig(request.HostConfig, facts, defaults);
  return { request: { ...request, ...config, HostConfig: hostConfig }, warnings };
}

function validateConfig(config: ContainerConfig): Pick<ContainerConfig, 'WorkingDir'> {
  const { WorkingDir, StopSignal, Env, Healthcheck, ExposedPorts } = config;
  if (WorkingDir !== '' && !WorkingDir.startsWith('/')) {
    throw invalidArgument(`the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  if (StopSignal !== '') parseSignal(StopSignal);
  for (const entry of Env ?? []) {
    if (entry === '' || entry.startsWith('=')) throw invalidArgument(`invalid environment variable: ${entry}`);
    if (entry.includes('\0')) throw invalidArgument(`invalid environment variable: ${JSON.stringify(entry)}`);
  }
  validateHealthcheck(Healthcheck);
  validateExposedPorts(ExposedPorts);
  return { WorkingDir: WorkingDir === '' ? '' : cleanPath(WorkingDir) };
}

function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

function validateHostConfig(
  wished: HostConfig,
  facts: HostFacts,
  defaults: CreateDefaults,
): { hostConfig: HostConfig; warnings: string[] } {
  if (wished.AutoRemove && wished.RestartPolicy.Name !== '' && wished.RestartPolicy.Name !== 'no') {
    throw invalidArgument("can't create 'AutoRemove' container with restart policy");
  }
  validateMounts(wished.Mounts);
  for (const host of wished.ExtraHosts ?? []) validateExtraHost(host);
  validatePortBindings(wished.PortBindings);
  validateRestartPolicy(wished.RestartPolicy);
  validateCapabilities('CapAdd', wished.CapAdd, facts.capabilities);
  validateCapabilities('CapDrop', wished.CapDrop, facts.capabilities);
  if (!['', 'default'].includes(wished.Isolation.toLowerCase())) {
    throw invalidArgument(`Invalid isolation: ${JSON.stringify(wished.Isolation)} - linux only supports 'default'`);
  }
  if (Object.hasOwn(wished.Annotations, '')) {
    throw invalidArgument('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  const resources = validateResources(wished, facts, { update: false });
  validateModes(wished);
  if (defaults.remapped) refuseHostNamespaces(wished);
  validateRanges(wished, defaults);
  validateTmpfs(wished.Tmpfs);
  validateSysctls(wished);
  const confinement = validateSecurityOptions(wished, facts);
  for (const name of Object.keys(wished.StorageOpt)) {
    if (name.toLowerCase() !== 'size') throw invalidArgument(`unknown option ${name}`);
  }
  storageSize(wished);
  const hostConfig = fillDefaults({ ...wished, ...resources.value }, facts, defaults);
  validateLogConfig(hostConfig.LogConfig);
  return { hostConfig, warnings: [...resources.warnings, ...confinement, ...hostWarnings(wished, facts)] };
}

/** Bytes that the container's own files may take; 0 is as much as there is. */
export function storageSize({ StorageOpt }: Pick<HostConfig, 'StorageOpt'>): number {
  return Object.values(StorageOpt).reduce((_, size) => parseSize(size), 0);
}

function validateRanges({ ShmSize, OomScoreAdj, Runtime }: HostConfig, defaults: CreateDefaults): void {
  if (ShmSize < 0) throw invalidArgument('SHM size can not be less than 0');
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalidArgument(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (Runtime !== '' && !defaults.runtimes.has(Runtime)) {
    throw invalidArgument(`unknown or invalid runtime name: ${Runtime}`);
  }
}

/** `name:address`, `name=address`, `name:host-gateway`. */
function validateExtraHost(text: string): void {
  const [name = '', address] = text.includes('=') ? text.split(/=(.*)/s) : text.split(/:(.*)/s);
  if (name === '' || address === undefined) throw invalidArgument(`bad format for add-host: ${JSON.stringify(text)}`);
  if (address !== 'host-gateway' && isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0) {
    throw invalidArgument(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
}

function hostWarnings({ NetworkMode, PortBindings, CgroupnsMode }: HostConfig, facts: HostFacts): string[] {
  const warnings: string[] = [];
  if (!facts.ipv4Forwarding && NetworkMode !== 'host' && NetworkMode !== 'none') {
    warnings.push('IPv4 forwarding is disabled. Networking will not work.');
  }
  if (NetworkMode === 'host' && Object.keys(PortBindings).length > 0) {
    warnings.push('Published ports are discarded when using host network mode');
  }
  if (CgroupnsMode === 'private' && !facts.cgroupNamespaces) {
    warnings.push('Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded.');
  }
  return warnings;
}

const minimumCpuShares = 2;
const maximumCpuShares = 262144;

function fillDefaults(hostConfig: HostConfig, facts: HostFacts, defaults: CreateDefaults): HostConfig {
  const { CpuShares, Memory, MemorySwap, Privileged, NetworkMode, RestartPolicy } = hostConfig;
  return {
    ...hostConfig,
    CpuShares: CpuShares > 0 ? Math.min(Math.max(CpuShares, minimumCpuShares), maximumCpuShares) : CpuShares,
    MemorySwap: Memory > 0 && MemorySwap === 0 ? Memory * 2 : MemorySwap,
    ShmSize: hostConfig.ShmSize || defaults.shmSize,
    IpcMode: hostConfig.IpcMode || defaults.ipcMode,
    CgroupnsMode: facts.cgroupNamespaces ? cgroupnsMode(hostConfig, facts, defaults) : 'host',
    NetworkMode: NetworkMode === '' || NetworkMode === 'default' ? 'bridge' : NetworkMode,
    RestartPolicy: RestartPolicy.Name === '' ? { ...RestartPolicy, Name: 'no' } : RestartPolicy,
    Runtime: hostConfig.Runtime || defaults.runtime,
    LogConfig: resolveLogConfig(hostConfig.LogConfig, defaults.logConfig),
    MaskedPaths: hostConfig.MaskedPaths ?? (Privileged ? null : [...facts.maskedPaths]),
    ReadonlyPaths: hostConfig.ReadonlyPaths ?? (Privileged ? null : [...defaultReadonlyPaths]),
    SecurityOpt: withLabelsOff(hostConfig),
    OomKillDisable: hostConfig.OomKillDisable ?? false,
  };
}

function cgroupnsMode(hostConfig: HostConfig, facts: HostFacts, defaults: CreateDefaults): string {
  if (hostConfig.CgroupnsMode !== '') return hostConfig.CgroupnsMode;
  // A privileged container on v1 expects to see and to change the host's hierarchy.
  if (hostConfig.Privileged && facts.cgroupVersion === 1) return 'host';
  return defaults.cgroupnsMode ?? (facts.cgroupVersion === 2 ? 'private' : 'host');
}

/** SELinux labels make no sense for who shares the host's processes; Docker notes it in the container's options. */
function withLabelsOff({ SecurityOpt, Privileged, IpcMode, PidMode }: HostConfig): string[] | null {
  const isLabelled = SecurityOpt?.some((option) => option.split('=')[0] === 'label');
  if (isLabelled || !(Privileged || IpcMode === 'host' || PidMode === 'host')) return SecurityOpt;
  return [...(SecurityOpt ?? []), 'label=disable'];
}
