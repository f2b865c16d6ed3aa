import type { ContainerCreateRequest, Mount } from '@wharf/api/container';
import type { SentContainerCreateRequest } from '@wharf/api/decode/container';
import { endpointSettings } from '@wharf/api/decode/network';
import type { EndpointSettings } from '@wharf/api/network';
import { type ApiVersion, atLeast } from '@wharf/api/version';
import { decode } from '@wharf/base/decode';
import { invalidArgument } from '@wharf/base/error';
import { hasUnifiedCgroups } from './cgroup-version.ts';

interface AdaptedRequest {
  readonly request: ContainerCreateRequest;
  readonly warnings: readonly string[];
}

/** What an older client's create request means at the newest version: later fields are ignored, old defaults kept. */
export function createRequestFor(version: ApiVersion, sent: SentContainerCreateRequest): AdaptedRequest {
  const { MacAddress, ...request } = structuredClone(sent);
  const { HostConfig: host, NetworkingConfig: networking } = request;
  if (host.PidsLimit !== null && host.PidsLimit <= 0) host.PidsLimit = null;

  if (!atLeast(version, 40) && host.IpcMode === '') host.IpcMode = 'shareable';
  if (!atLeast(version, 41) && host.CgroupnsMode === '' && !hasUnifiedCgroups()) host.CgroupnsMode = 'host';
  if (!atLeast(version, 42)) host.ConsoleSize = [0, 0];
  if (!atLeast(version, 43)) host.Annotations = {};
  if (!atLeast(version, 44)) {
    if (request.Healthcheck) request.Healthcheck.StartInterval = 0;
    const names = Object.keys(networking.EndpointsConfig);
    if (names.length > 1) {
      throw invalidArgument(`Container cannot be created with multiple network endpoints: ${names.join(', ')}`);
    }
  }
  if (!atLeast(version, 46)) for (const endpoint of endpointsOf(request)) endpoint.DriverOpts = null;
  if (!atLeast(version, 48)) for (const endpoint of endpointsOf(request)) endpoint.GwPriority = 0;
  for (const mount of host.Mounts ?? []) adaptMount(version, mount);
  const warning = moveMacAddress(version, request, MacAddress);
  return { request, warnings: warning === undefined ? [] : [warning] };
}

function endpointsOf(request: ContainerCreateRequest): EndpointSettings[] {
  return Object.values(request.NetworkingConfig.EndpointsConfig);
}

function adaptMount(version: ApiVersion, mount: Mount): void {
  const { BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs } = mount;
  if (bind && !atLeast(version, 40)) bind.NonRecursive = false;
  if (bind && !atLeast(version, 42)) bind.CreateMountpoint = false;
  if (bind && !atLeast(version, 44)) {
    // Read-only did not reach submounts then.
    bind.ReadOnlyNonRecursive = mount.ReadOnly;
    bind.ReadOnlyForceRecursive = false;
  }
  if (volume && volume.Subpath !== '' && !atLeast(version, 45)) {
    throw invalidArgument('VolumeOptions.Subpath needs API v1.45 or newer');
  }
  if (tmpfs && !atLeast(version, 46)) tmpfs.Options = null;
  if (mount.Type === 'image' && !atLeast(version, 48)) {
    throw invalidArgument('Mount type "Image" needs API v1.48 or newer');
  }
}

/** The container's own MAC address became its main endpoint's in 1.44, and is refused or warned of since. */
function moveMacAddress(version: ApiVersion, request: ContainerCreateRequest, address: string): string | undefined {
  const old = !atLeast(version, 44);
  if (address === '') {
    // Before, an endpoint's address was not looked at.
    if (old) for (const endpoint of endpointsOf(request)) endpoint.MacAddress = '';
    return undefined;
  }
  const mode = request.HostConfig.NetworkMode;
  if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) {
    throw invalidArgument('conflicting options: mac-address and the network mode');
  }
  const endpoints = request.NetworkingConfig.EndpointsConfig;
  const main = mode === '' ? 'default' : mode;
  const alias = main === 'default' && endpoints.bridge ? 'bridge' : main;
  const endpoint = endpoints[alias] ?? decode(endpointSettings, undefined);
  endpoints[alias] = endpoint;
  if (!old && endpoint.MacAddress !== '' && endpoint.MacAddress !== address) {
    throw invalidArgument(
      'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
    );
  }
  endpoint.MacAddress = address;
  if (old) return undefined;
  return 'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.';
}
