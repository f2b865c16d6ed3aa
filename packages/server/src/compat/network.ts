import type { NetworkInspect } from '@wharf/api/network';
import { type ApiVersion, atLeast } from '@wharf/api/version';

/** A network as this version of the API has it. */
export function networkInspectFor(version: ApiVersion, network: NetworkInspect): object {
  const { EnableIPv4, Status, ...rest } = network;
  return {
    ...rest,
    ...(atLeast(version, 48) && { EnableIPv4 }),
    ...(Status && atLeast(version, 52) && { Status }),
  };
}
