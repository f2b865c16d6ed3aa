import type { ContainerSummary } from '@wharf/api/container';
import { type ApiVersion, atLeast } from '@wharf/api/version';
import { endpointsFor } from './container-inspect.ts';

/** One item of `GET /containers/json` as this version of the API has it. */
export function containerSummaryFor(version: ApiVersion, summary: ContainerSummary): object {
  const { ImageManifestDescriptor, Health, NetworkSettings, HostConfig, ...rest } = summary;
  const { Annotations, ...host } = HostConfig;
  return {
    ...rest,
    ...(ImageManifestDescriptor && atLeast(version, 48) && { ImageManifestDescriptor }),
    ...(Health && atLeast(version, 52) && { Health }),
    HostConfig: { ...host, ...(Annotations && atLeast(version, 46) && { Annotations }) },
    NetworkSettings: { Networks: endpointsFor(version, NetworkSettings.Networks, summary.Id) },
  };
}
