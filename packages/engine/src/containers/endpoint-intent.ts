import type { HostConfig } from '@wharf/api/container';
import type { EndpointSettings, NetworkingConfig } from '@wharf/api/network';
import { invalidArgument, isErrorCode } from '@wharf/base/error';
import type { Networking } from '@wharf/network/networking';
import { emptySettings } from '@wharf/network/sandbox/plan';
import { sharedContainer } from '@wharf/runtime/spec/modes';

/**
 * The endpoints that a container shall have, by network name: the network of its mode, and those that
 * NetworkingConfig adds. One that is missing keeps the name it was given: the start looks again.
 */
export function endpointIntent(
  networking: Networking,
  { NetworkMode }: Pick<HostConfig, 'NetworkMode'>,
  { EndpointsConfig }: NetworkingConfig,
): Record<string, EndpointSettings> {
  const given = Object.entries(EndpointsConfig);
  if (sharedContainer(NetworkMode) !== undefined) {
    if (given.length > 0)
      throw invalidArgument('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
    return {};
  }
  const main = networkName(networking, NetworkMode);
  const endpoints: Record<string, EndpointSettings> = { [main]: emptyEndpoint() };
  for (const [key, settings] of given) {
    endpoints[networkName(networking, key === 'default' ? 'bridge' : key)] = intentOf(settings);
  }
  return endpoints;
}

function networkName(networking: Networking, nameOrId: string): string {
  try {
    return networking.network(nameOrId).name;
  } catch (error) {
    if (isErrorCode(error, 'not_found')) return nameOrId;
    throw error;
  }
}

/** Only what a client may wish for; the rest of the settings is the network's answer. */
export function intentOf(settings: EndpointSettings): EndpointSettings {
  const { IPAMConfig, Links, Aliases, MacAddress, DriverOpts, GwPriority } = settings;
  return { ...emptyEndpoint(), IPAMConfig, Links, Aliases, MacAddress, DriverOpts, GwPriority };
}

export function emptyEndpoint(): EndpointSettings {
  return { ...emptySettings };
}
