import type { ContainerCreateRequest, HostConfig } from '@wharf/api/container';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import { sharedContainer } from '@wharf/runtime/spec/modes';

/** Words that each namespace mode may be, besides `container:<id>`. */
const words = {
  IpcMode: ['', 'none', 'private', 'shareable', 'host'],
  PidMode: ['', 'private', 'host'],
  UTSMode: ['', 'host'],
  CgroupnsMode: ['', 'private', 'host'],
} as const;

const labels = {
  IpcMode: 'IPC mode',
  PidMode: 'PID mode',
  UTSMode: 'UTS mode',
  CgroupnsMode: 'cgroup namespace mode',
} as const;

export function validateModes(hostConfig: HostConfig): void {
  requireMode(hostConfig, 'IpcMode', true);
  requireMode(hostConfig, 'PidMode', true);
  requireMode(hostConfig, 'UTSMode', false);
  requireMode(hostConfig, 'CgroupnsMode', false);
  if (hostConfig.Cgroup !== '') throw notImplemented('HostConfig.Cgroup');
  if (hostConfig.UsernsMode !== '' && hostConfig.UsernsMode !== 'host') {
    throw invalidArgument(`invalid user namespace mode: ${hostConfig.UsernsMode}`);
  }
}

/** What root of a user namespace cannot rule over. */
export function refuseHostNamespaces({ UsernsMode, Privileged, NetworkMode, PidMode }: HostConfig): void {
  if (UsernsMode === 'host') return;
  refuse(
    Privileged,
    'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
  );
  refuse(NetworkMode === 'host', "cannot share the host's network namespace when user namespaces are enabled");
  refuse(PidMode === 'host', 'cannot share the host PID namespace when user namespaces are enabled');
}

function requireMode(hostConfig: HostConfig, field: keyof typeof words, joinable: boolean): void {
  const mode = hostConfig[field];
  if ((words[field] as readonly string[]).includes(mode)) return;
  if (joinable && sharedContainer(mode)) return;
  throw invalidArgument(`invalid ${labels[field]}: ${mode}`);
}

/** Options that a shared network or UTS namespace leaves without meaning. */
export function validateNetworkConflicts({ Hostname, ExposedPorts, HostConfig }: ContainerCreateRequest): void {
  const mode = HostConfig.NetworkMode;
  const target = sharedContainer(mode);
  if (target === '' || mode === 'container') {
    throw invalidArgument('Invalid network mode: invalid container format container:<name|id>');
  }
  refuse(HostConfig.UTSMode === 'host' && Hostname !== '', 'conflicting options: hostname and the UTS mode');
  const hasLinks = (HostConfig.Links?.length ?? 0) > 0;
  const undefinedBehaviour = 'This would result in undefined behavior';
  refuse(
    mode === 'host' && hasLinks,
    `conflicting options: host type networking can't be used with links. ${undefinedBehaviour}`,
  );
  if (target === undefined) return;
  refuse(Hostname !== '', 'conflicting options: hostname and the network mode');
  refuse(hasLinks, `conflicting options: container type network can't be used with links. ${undefinedBehaviour}`);
  refuse((HostConfig.Dns?.length ?? 0) > 0, 'conflicting options: dns and the network mode');
  refuse(
    (HostConfig.ExtraHosts?.length ?? 0) > 0,
    'conflicting options: custom host-to-IP mapping and the network mode',
  );
  refuse(
    HostConfig.PublishAllPorts || Object.keys(HostConfig.PortBindings).length > 0,
    'conflicting options: port publishing and the container type network mode',
  );
  refuse(
    Object.keys(ExposedPorts).length > 0,
    'conflicting options: port exposing and the container type network mode',
  );
}

function refuse(condition: boolean, message: string): void {
  if (condition) throw invalidArgument(message);
}
