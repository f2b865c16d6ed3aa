import type { HostConfig } from '@wharf/api/container';
import type { OciNamespace } from '@wharf/oci/runtime-spec';

/** The namespaces of other processes that a container joins, as the engine found them. */
export interface SharedNamespaces {
  readonly network: NetworkNamespace;
  /** `/proc/<pid>/ns/pid` of the container named by `PidMode: container:x`. */
  readonly pid?: string;
  readonly ipc?: string;
}

export type NetworkNamespace =
  | { readonly kind: 'path'; readonly path: string }
  /** An empty one of its own: only a loopback interface. */
  | { readonly kind: 'new' }
  | { readonly kind: 'host' };

/** A namespace that is left out is the host's. */
export function createNamespaces(hostConfig: HostConfig, shared: SharedNamespaces): OciNamespace[] {
  const namespaces: OciNamespace[] = [{ type: 'mount' }];
  if (shared.network.kind === 'path') namespaces.push({ type: 'network', path: shared.network.path });
  else if (shared.network.kind === 'new') namespaces.push({ type: 'network' });
  if (hostConfig.UTSMode !== 'host') namespaces.push({ type: 'uts' });
  if (hostConfig.PidMode !== 'host') namespaces.push(joinOrNew('pid', shared.pid));
  if (hostConfig.IpcMode !== 'host') namespaces.push(joinOrNew('ipc', shared.ipc));
  if (hostConfig.CgroupnsMode === 'private') namespaces.push({ type: 'cgroup' });
  return namespaces;
}

function joinOrNew(type: 'pid' | 'ipc', path: string | undefined): OciNamespace {
  return path === undefined ? { type } : { type, path };
}
