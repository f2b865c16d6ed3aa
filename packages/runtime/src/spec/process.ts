import type { ContainerConfig, HostConfig } from '@wharf/api/container';
import type { OciProcess, OciRlimit } from '@wharf/oci/runtime-spec';
import { createEnvironment, createExecEnvironment } from './environment.ts';
import { isPrivatePid } from './modes.ts';
import { initDestination } from './mounts.ts';
import type { SecurityOptions } from './security-options.ts';
import type { ResolvedUser } from './user.ts';

export interface ProcessInput {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Entrypoint and Cmd. */
  readonly args: readonly string[];
  readonly user: ResolvedUser;
  readonly capabilities: readonly string[];
  readonly security: SecurityOptions;
  readonly rlimits: OciRlimit[];
  readonly linkedEnvironment: readonly string[] | undefined;
  readonly init: boolean;
  readonly apparmorProfile: string | undefined;
}

export function createProcess(input: ProcessInput): OciProcess {
  const { config, hostConfig, user, rlimits, apparmorProfile } = input;
  const [height, width] = hostConfig.ConsoleSize;
  return {
    terminal: config.Tty,
    ...(config.Tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: ociUser(user),
    args: input.init ? [initDestination, '--', ...input.args] : [...input.args],
    env: createEnvironment({
      hostname: config.Hostname,
      tty: config.Tty,
      linked: input.linkedEnvironment ?? [],
      own: config.Env,
      home: user.home,
    }),
    cwd: config.WorkingDir || '/',
    capabilities: capabilitySets(input.capabilities, user),
    ...(rlimits.length > 0 && { rlimits }),
    noNewPrivileges: input.security.noNewPrivileges,
    oomScoreAdj: hostConfig.OomScoreAdj,
    ...(apparmorProfile !== undefined && { apparmorProfile }),
  };
}

/** An init only makes sense as the first process of a pid namespace. */
export function wantsInit(hostConfig: HostConfig, byDefault: boolean): boolean {
  return isPrivatePid(hostConfig.PidMode) && (hostConfig.Init ?? byDefault);
}

function ociUser({ uid, gid, additionalGids }: ResolvedUser): OciProcess['user'] {
  return { uid, gid, additionalGids: [...additionalGids] };
}

/** Others than root start without any: what they may gain by setuid and file capabilities is the bounding set. */
function capabilitySets(capabilities: readonly string[], { uid }: ResolvedUser): OciProcess['capabilities'] {
  const active = uid === 0 ? capabilities : [];
  return { bounding: capabilities, effective: active, permitted: active };
}

export interface ExecInput {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly args: readonly string[];
  readonly env: readonly string[] | null;
  /** '' is the container's. */
  readonly workingDir: string;
  readonly tty: boolean;
  readonly consoleSize: readonly [height: number, width: number] | null;
  readonly user: ResolvedUser;
  /** The container's, or every one for a privileged exec. */
  readonly capabilities: readonly string[];
  readonly security: SecurityOptions;
  readonly rlimits: OciRlimit[];
  readonly apparmorProfile: string | undefined;
  readonly linkedEnvironment: readonly string[] | undefined;
}

export function createAdditionalProcess(input: ExecInput): OciProcess {
  const { config, hostConfig, user, rlimits, apparmorProfile } = input;
  const [height, width] = input.consoleSize ?? [0, 0];
  return {
    terminal: input.tty,
    ...(input.tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: ociUser(user),
    args: [...input.args],
    env: createExecEnvironment(
      {
        hostname: config.Hostname,
        tty: input.tty,
        linked: input.linkedEnvironment ?? [],
        own: config.Env,
        home: user.home,
      },
      input.env,
    ),
    cwd: input.workingDir || config.WorkingDir || '/',
    capabilities: capabilitySets(input.capabilities, user),
    ...(rlimits.length > 0 && { rlimits }),
    noNewPrivileges: input.security.noNewPrivileges,
    oomScoreAdj: hostConfig.OomScoreAdj,
    ...(apparmorProfile !== undefined && { apparmorProfile }),
  };
}
