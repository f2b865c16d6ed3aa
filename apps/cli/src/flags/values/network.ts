import { parseInteger } from '../flag.ts';
import { splitCsv } from '../key-values.ts';
import { cut } from '../parse.ts';
import { UsageError } from '../usage-error.ts';

/** One `--network`: a name alone, or `name=x,alias=y,ip=...`. */
export interface NetworkAttachment {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly linkLocalIPs: readonly string[];
  readonly macAddress: string;
  readonly gwPriority: number;
}

const nothing: NetworkAttachment = {
  target: '',
  aliases: [],
  links: [],
  driverOpts: {},
  ipv4: '',
  ipv6: '',
  linkLocalIPs: [],
  macAddress: '',
  gwPriority: 0,
};

export function parseNetworkAttachment(text: string): NetworkAttachment {
  if (!/\w+=\w+(,\w+=\w+)*/.test(text)) return { ...nothing, target: text };
  let network = nothing;
  for (const field of splitCsv(text)) {
    const [name, given] = cut(field, '=');
    if (given === undefined || name === '') throw new UsageError(`invalid field ${field}`);
    network = withField(network, name.trim().toLowerCase(), given.trim());
  }
  if (network.target === '') throw new UsageError('network name/id is not specified');
  return network;
}

function withField(network: NetworkAttachment, key: string, value: string): NetworkAttachment {
  switch (key) {
    case 'name':
      return { ...network, target: value };
    case 'alias':
      return { ...network, aliases: [...network.aliases, value] };
    case 'ip':
      return { ...network, ipv4: value };
    case 'ip6':
      return { ...network, ipv6: value };
    case 'mac-address':
      if (!isMacAddress(value)) throw new UsageError(`${value} is not a valid mac address`);
      return { ...network, macAddress: value };
    case 'link-local-ip':
      return { ...network, linkLocalIPs: [...network.linkLocalIPs, value] };
    case 'driver-opt':
      return { ...network, driverOpts: { ...network.driverOpts, ...parseDriverOpt(value) } };
    case 'gw-priority':
      try {
        return { ...network, gwPriority: parseInteger(value, 'int') };
      } catch {
        throw new UsageError(`invalid gw-priority (${value}): invalid syntax`);
      }
    default:
      throw new UsageError(`invalid field key ${key}`);
  }
}

/** `key=value` of `--driver-opt`. */
export function parseDriverOpt(text: string): Record<string, string> {
  const [key, value] = cut(text, '=');
  if (value === undefined || key === '') throw new UsageError('invalid key value pair format in driver options');
  return { [key.trim().toLowerCase()]: value.trim() };
}

export function isMacAddress(text: string): boolean {
  return /^[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}$|^(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$/.test(
    text,
  );
}

/** False for the modes that name no network of their own. */
export function isUserDefined(mode: string): boolean {
  return !['', 'default', 'bridge', 'host', 'none', 'nat'].includes(mode) && !mode.startsWith('container:');
}
