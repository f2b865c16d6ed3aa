import { existsSync, readFileSync, statSync } from 'node:fs';
import type { ContainerConfig, HostConfig, Ulimit } from '@wharf/api/container';
import type { IdMapping, IdRange } from '@wharf/base/id-mapping';
import type { OciIdMapping, OciLinux, OciMount, OciProcess, OciSpec } from '@wharf/oci/runtime-spec';
import { readRestrictions } from '@wharf/sys/mount';
import type { SeccompSource } from '../seccomp/seccomp.ts';
import { resolveCapabilities } from './capabilities.ts';
import { resolveDevices } from './devices.ts';
import { refuseFalseDevices } from './false-devices.ts';
import { createMounts, type NetworkFiles, type SpecMount } from './mounts.ts';
import { createNamespaces, type SharedNamespaces } from './namespaces.ts';
import { createAdditionalProcess, createProcess, wantsInit } from './process.ts';
import { createResources } from './resources.ts';
import { createRlimits, type HardLimits } from './rlimits.ts';
import { resolveRootPropagation } from './root-propagation.ts';
import { parseSecurityOptions, type SecurityOptions } from './security-options.ts';
import { createSysctls } from './sysctls.ts';
import { defaultReadonlyPaths } from './system-paths.ts';
import type { ResolvedUser } from './user.ts';

/** What this host and daemon grant to every container; made once at start-up by `readSpecHost`. */
export interface SpecHost {
  /** Capabilities the engine has itself, by name. */
  readonly capabilities: ReadonlySet<string>;
  /** Set where the engine lacks CAP_SYS_RESOURCE: limits are lowered to these. */
  readonly hardLimits: HardLimits | undefined;
  readonly maskedPaths: readonly string[];
  /** undefined where the kernel has no seccomp. */
  readonly seccomp: SeccompSource | undefined;
  /** The AppArmor profile loaded for containers, where the kernel has AppArmor. */
  readonly apparmorProfile: string | undefined;
  readonly defaultShmSize: number;
  readonly defaultUlimits: readonly Ulimit[];
  readonly noNewPrivileges: boolean;
  readonly initByDefault: boolean;
  /** Throws where no init is installed. */
  readonly findInit: () => string;
  readonly runtime: RuntimeFeatures;
}

/** What the OCI runtime in use can do. */
export interface RuntimeFeatures {
  readonly name: 'crun' | 'runc';
  /** A mount with destination `/` becomes the root: crun 1.22 and later, and runc. */
  readonly rootMount: boolean;
  /** Takes a compiled seccomp filter by annotation: crun. */
  readonly seccompBpf: boolean;
  /** Knows the `rro` mount option: crun 1.5, runc 1.1; and the kernel is 5.12 or newer. */
  readonly recursiveReadOnly: boolean;
  /** A bind stays nosuid, nodev, noexec and read-only where its source's mount is: runc; crun lifts them. */
  readonly keepsRestrictions: boolean;
  /** Masks files by whatever the container has for /dev/null: runc before 1.2.8 and 1.3.3. CVE-2025-31133 */
  readonly trustsDevNull: boolean;
}

export interface SpecInput {
  readonly config: ContainerConfig;
  /** With the daemon's defaults filled in by create. */
  readonly hostConfig: HostConfig;
  /** Entrypoint and Cmd. */
  readonly args: readonly string[];
  readonly user: ResolvedUser;
  readonly root: SpecRoot;
  readonly mounts: readonly SpecMount[];
  readonly files: NetworkFiles | undefined;
  readonly namespaces: SharedNamespaces;
  /** The user namespace that it joins, where that is not the host's. */
  readonly userNamespace?: { readonly path: string; readonly mapping: IdMapping };
  /** True where the network namespace already holds `networkSysctls(hostConfig)`. */
  readonly networkSysctlsWritten: boolean;
  /** Relative to the cgroup root, as `cgroupsPath` makes it. */
  readonly cgroupsPath: string;
  readonly shmPath?: string;
  /** `ALIAS_PORT_...` of --link. */
  readonly linkedEnvironment?: readonly string[];
}

export type SpecRoot =
  | { readonly kind: 'path'; readonly path: string }
  /** Needs `RuntimeFeatures.rootMount`. `path` must exist, empty or not. */
  | {
      readonly kind: 'overlay';
      readonly path: string;
      readonly lowerDirs: readonly string[];
      readonly upperDir: string;
      readonly workDir: string;
      readonly volatile: boolean;
    };

/** The whole `config.json` of one container. Reads device nodes and mount tables where options name them. */
export function createRuntimeSpec(input: SpecInput, host: SpecHost): OciSpec {
  const { config, hostConfig } = input;
  const security = parseSecurityOptions(hostConfig.SecurityOpt, host);
  const capabilities = containerCapabilities(hostConfig, host);
  const seccomp = createSeccomp(hostConfig, security, capabilities, host);
  const annotations = { ...hostConfig.Annotations, ...seccomp.annotations };
  return {
    ociVersion: '1.0.2',
    process: createContainerProcess(input, host, security, capabilities),
    root: { path: input.root.path, readonly: hostConfig.ReadonlyRootfs },
    ...(hostConfig.UTSMode !== 'host' && { hostname: config.Hostname }),
    mounts: [...rootMounts(input.root), ...createContainerMounts(input, host, security)],
    ...(Object.keys(annotations).length > 0 && { annotations }),
    linux: createLinux(input, host, security, seccomp.profile),
  };
}

function containerCapabilities(hostConfig: HostConfig, host: SpecHost): readonly string[] {
  const wishes = { privileged: hostConfig.Privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop };
  return resolveCapabilities(wishes, host.capabilities);
}

function createContainerProcess(
  input: SpecInput,
  host: SpecHost,
  security: SecurityOptions,
  capabilities: readonly string[],
): OciProcess {
  const { config, hostConfig } = input;
  return createProcess({
    config,
    hostConfig,
    args: input.args,
    user: input.user,
    capabilities,
    security,
    rlimits: createRlimits(host.defaultUlimits, hostConfig.Ulimits, host.hardLimits),
    linkedEnvironment: input.linkedEnvironment,
    init: wantsInit(hostConfig, host.initByDefault),
    apparmorProfile: apparmorProfile(hostConfig, security, host),
  });
}

function apparmorProfile(hostConfig: HostConfig, security: SecurityOptions, host: SpecHost): string | undefined {
  if (host.apparmorProfile === undefined) return undefined;
  return security.apparmor ?? (hostConfig.Privileged ? 'unconfined' : host.apparmorProfile);
}

function createContainerMounts(input: SpecInput, host: SpecHost, security: SecurityOptions): OciMount[] {
  const { hostConfig } = input;
  if (host.runtime.trustsDevNull && !hostConfig.Privileged) input.mounts.forEach(refuseFalseDevices);
  return createMounts({
    hostConfig,
    mounts: input.mounts,
    files: input.files,
    shmPath: input.shmPath,
    defaultShmSize: host.defaultShmSize,
    init: wantsInit(hostConfig, host.initByDefault) ? host.findInit() : undefined,
    recursiveReadOnly: (source) => (!isDirectory(source) ? 'needless' : host.runtime.recursiveReadOnly ? 'yes' : 'no'),
    restrictionsOf: host.runtime.keepsRestrictions ? () => [] : readRestrictions,
    writableCgroups: security.writableCgroups === true,
    messageQueues: messageQueues(input),
  });
}

function messageQueues({ hostConfig, userNamespace }: SpecInput): 'mount' | 'bind' | 'none' {
  if (!userNamespace || hostConfig.IpcMode !== 'host') return 'mount';
  return existsSync('/dev/mqueue') ? 'bind' : 'none';
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function rootMounts(root: SpecRoot): OciMount[] {
  if (root.kind === 'path') return [];
  const options = [
    `lowerdir=${root.lowerDirs.join(':')}`,
    `upperdir=${root.upperDir}`,
    `workdir=${root.workDir}`,
    ...(root.volatile ? ['volatile'] : []),
  ];
  return [{ destination: '/', type: 'overlay', source: 'overlay', options }];
}

interface SeccompPart {
  readonly profile?: OciLinux['seccomp'];
  readonly annotations: Record<string, string>;
}

/** A compiled filter where the runtime takes one: crun 1.8 spends 10 ms on compiling the profile. */
function createSeccomp(
  hostConfig: HostConfig,
  security: SecurityOptions,
  capabilities: readonly string[],
  host: SpecHost,
): SeccompPart {
  if (hostConfig.Privileged && security.seccomp === undefined) return { annotations: {} };
  const choice = security.seccomp ?? 'builtin';
  if (choice === 'unconfined' || !host.seccomp) return { annotations: {} };
  const filter = host.seccomp.filter(choice, capabilities, host.runtime.seccompBpf);
  switch (filter.kind) {
    case 'bpf':
      return { annotations: { 'run.oci.seccomp_bpf_data': filter.base64 } };
    case 'profile':
      return { annotations: {}, profile: filter.profile };
  }
}

function createLinux(
  input: SpecInput,
  host: SpecHost,
  security: SecurityOptions,
  seccomp: OciLinux['seccomp'],
): OciLinux {
  const { hostConfig } = input;
  const { devices, rules } = resolveDevices({
    privileged: hostConfig.Privileged,
    devices: hostConfig.Devices,
    cgroupRules: hostConfig.DeviceCgroupRules,
  });
  const open = hostConfig.Privileged || security.unconfinedSystemPaths;
  const sysctl = createSysctls(hostConfig, input.networkSysctlsWritten);
  if (input.config.Domainname !== '' && hostConfig.UTSMode !== 'host')
    sysctl['kernel.domainname'] ??= input.config.Domainname;
  const rootfsPropagation = resolveRootPropagation(input.mounts, () => readFileSync('/proc/self/mountinfo', 'utf8'));
  return {
    namespaces: [
      ...createNamespaces(hostConfig, input.namespaces),
      ...(input.userNamespace ? [{ type: 'user' as const, path: input.userNamespace.path }] : []),
    ],
    ...(input.userNamespace && {
      uidMappings: input.userNamespace.mapping.uids.map(ociIdMapping),
      gidMappings: input.userNamespace.mapping.gids.map(ociIdMapping),
    }),
    ...(devices.length > 0 && { devices }),
    cgroupsPath: input.cgroupsPath,
    resources: { devices: rules, ...createResources(hostConfig) },
    ...(rootfsPropagation && { rootfsPropagation }),
    ...(seccomp && { seccomp }),
    ...(Object.keys(sysctl).length > 0 && { sysctl }),
    maskedPaths: open ? [] : (hostConfig.MaskedPaths ?? host.maskedPaths),
    readonlyPaths: open ? [] : (hostConfig.ReadonlyPaths ?? defaultReadonlyPaths),
  };
}

function ociIdMapping({ inside, outside, size }: IdRange): OciIdMapping {
  return { containerID: inside, hostID: outside, size };
}

export interface ExecProcessInput {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Entrypoint and arguments of the exec. */
  readonly args: readonly string[];
  readonly env: readonly string[] | null;
  readonly workingDir: string;
  readonly tty: boolean;
  readonly consoleSize: readonly [height: number, width: number] | null;
  readonly privileged: boolean;
  readonly user: ResolvedUser;
  readonly linkedEnvironment?: readonly string[];
}

/** The `process` object of an exec in a running container. */
export function createExecProcess(input: ExecProcessInput, host: SpecHost): OciProcess {
  const { hostConfig } = input;
  const security = parseSecurityOptions(hostConfig.SecurityOpt, host);
  const all = input.privileged || hostConfig.Privileged;
  return createAdditionalProcess({
    ...input,
    linkedEnvironment: input.linkedEnvironment,
    capabilities: all ? [...host.capabilities] : containerCapabilities(hostConfig, host),
    security,
    rlimits: createRlimits(host.defaultUlimits, hostConfig.Ulimits, host.hardLimits),
    apparmorProfile: apparmorProfile(hostConfig, security, host),
  });
}

/** The container's cgroup below its parent, which can not lead out of the hierarchy. */
export function cgroupsPath(hostConfig: HostConfig, defaultParent: string, id: string): string {
  const parts = (hostConfig.CgroupParent || defaultParent).split('/');
  const parent = parts.filter((part) => part !== '' && part !== '.' && part !== '..');
  return `/${[...parent, id].join('/')}`;
}
