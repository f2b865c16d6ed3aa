import type { ContainerConfig, ContainerInspect, HostConfig, Mount, NetworkSettings } from '@wharf/api/container';
import type { EndpointSettings } from '@wharf/api/network';
import { type ApiVersion, atLeast } from '@wharf/api/version';
import { omitEmpty } from './omit-empty.ts';

/** `GET /containers/{id}/json` as this version of the API has it. */
export function containerInspectFor(version: ApiVersion, inspect: ContainerInspect): object {
  const { Config, HostConfig, NetworkSettings, Storage, ImageManifestDescriptor, ...rest } = inspect;
  return {
    ...rest,
    ...(ImageManifestDescriptor && atLeast(version, 48) && { ImageManifestDescriptor }),
    ...(Storage && atLeast(version, 52) && { Storage }),
    HostConfig: formatHostConfig(HostConfig),
    Config: formatConfig(Config),
    NetworkSettings: networkSettingsFor(version, NetworkSettings, inspect.Id),
  };
}

function formatConfig(config: ContainerConfig): object {
  return {
    ...omitEmpty(config, [
      'ArgsEscaped',
      'ExposedPorts',
      'Healthcheck',
      'NetworkDisabled',
      'Shell',
      'StopSignal',
      'StopTimeout',
    ]),
    ...(config.Healthcheck && {
      Healthcheck: omitEmpty(config.Healthcheck, [
        'Test',
        'Interval',
        'Timeout',
        'StartPeriod',
        'StartInterval',
        'Retries',
      ]),
    }),
    Volumes: Object.keys(config.Volumes).length > 0 ? config.Volumes : null,
  };
}

function formatHostConfig(host: HostConfig): object {
  const shown = omitEmpty(host, ['Annotations', 'Init', 'Mounts', 'Runtime', 'StorageOpt', 'Sysctls', 'Tmpfs']);
  return {
    ...shown,
    // `--init=false` is shown; only an unset one is left out.
    ...(host.Init !== null && { Init: host.Init }),
    ...(host.Mounts && host.Mounts.length > 0 && { Mounts: host.Mounts.map(formatMount) }),
  };
}

function formatMount(mount: Mount): object {
  return omitEmpty(mount, [
    'Source',
    'ReadOnly',
    'Consistency',
    'BindOptions',
    'VolumeOptions',
    'ImageOptions',
    'TmpfsOptions',
  ]);
}

function networkSettingsFor(version: ApiVersion, settings: NetworkSettings, id: string): object {
  const Networks = endpointsFor(version, settings.Networks, id);
  if (atLeast(version, 52)) return { ...settings, Networks };
  return { ...legacyFields(settings), ...settings, Networks };
}

/** Until 1.52 the settings repeated the endpoint on the default bridge. */
function legacyFields({ Networks }: NetworkSettings): object {
  const bridge = Networks.bridge;
  return {
    Bridge: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
  };
}

/** Fields of endpoints that came later are left out; before 1.45 the short id was one of the aliases. */
export function endpointsFor(
  version: ApiVersion,
  endpoints: Record<string, EndpointSettings>,
  id: string,
): Record<string, object> {
  const adapted = Object.entries(endpoints).map(([name, endpoint]) => {
    const { DNSNames, GwPriority, ...rest } = endpoint;
    const shown = {
      ...rest,
      ...(atLeast(version, 44) && { DNSNames }),
      ...(atLeast(version, 48) && { GwPriority }),
    };
    if (atLeast(version, 45) || name === 'bridge' || name === 'host' || name === 'none') return [name, shown] as const;
    return [name, { ...shown, Aliases: [...(endpoint.Aliases ?? []), id.slice(0, 12)] }] as const;
  });
  return Object.fromEntries(adapted);
}
