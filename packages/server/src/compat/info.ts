import type { SystemInfo } from '@wharf/api/system';
import { type ApiVersion, atLeast } from '@wharf/api/version';

/** `GET /info` as this version of the API has it. */
export function infoFor(version: ApiVersion, info: SystemInfo): object {
  const { CDISpecDirs, FirewallBackend, ...rest } = info;
  return {
    ...rest,
    ...(atLeast(version, 44) && { CDISpecDirs }),
    ...(atLeast(version, 49) && FirewallBackend && { FirewallBackend }),
    // The kernel always can since nftables; the fields went in 1.50.
    ...(!atLeast(version, 50) && { BridgeNfIptables: true, BridgeNfIp6tables: true }),
  };
}
