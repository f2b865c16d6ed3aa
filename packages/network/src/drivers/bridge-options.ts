import { invalidArgument } from '@wharf/base/error';
import { type Address, parseAddress } from '../address.ts';
import type { GatewayMode } from '../firewall/ruleset.ts';

const prefix = 'com.docker.network.';

/** What `--opt` says about a bridge network. */
export interface BridgeOptions {
  /** The link's name, where the user chose it. */
  readonly name: string | undefined;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Where ports are published that name no address. */
  readonly hostBinding: Address | undefined;
  readonly mtu: number | undefined;
  readonly inhibitIPv4: boolean;
  readonly interfacePrefix: string;
  readonly modes: Readonly<Record<4 | 6, GatewayMode>>;
  readonly sources: readonly Address[];
  readonly trusted: readonly string[];
}

/** Throws invalid_argument for a value that cannot be, not_implemented for what is not done yet. */
export function parseBridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  const read = (name: string) => options[prefix + name];
  const hostBinding = read('bridge.host_binding_ipv4');
  const address = hostBinding === undefined ? undefined : parseAddress(hostBinding);
  if (hostBinding !== undefined && !address) throw invalidArgument(`invalid host binding address: ${hostBinding}`);
  const name = read('bridge.name') || undefined;
  if (name && (name.length > 15 || /[/\s]/.test(name))) throw invalidArgument(`invalid bridge name: ${name}`);
  return {
    name,
    icc: flag(options, 'bridge.enable_icc', true),
    masquerade: flag(options, 'bridge.enable_ip_masquerade', true),
    hostBinding: address,
    mtu: mtu(read('driver.mtu')),
    inhibitIPv4: flag(options, 'bridge.inhibit_ipv4', false),
    modes: {
      4: gatewayMode(read('bridge.gateway_mode_ipv4')),
      6: gatewayMode(read('bridge.gateway_mode_ipv6')),
    },
    sources: [sourceAddress(read('host_ipv4'), 4), sourceAddress(read('host_ipv6'), 6)].flat(),
    trusted: (read('bridge.trusted_host_interfaces') ?? '').split(':').filter((link) => link !== ''),
    interfacePrefix: read('container_iface_prefix') || read('container_interface_prefix') || 'eth',
  };
}

const gatewayModes: readonly GatewayMode[] = ['nat', 'nat-unprotected', 'routed', 'isolated'];

function gatewayMode(text: string | undefined): GatewayMode {
  if (text === undefined || text === '') return 'nat';
  const mode = gatewayModes.find((known) => known === text);
  if (!mode) throw invalidArgument(`unknown gateway mode ${text}`);
  return mode;
}

function sourceAddress(text: string | undefined, family: 4 | 6): Address[] {
  if (text === undefined || text === '') return [];
  const address = parseAddress(text);
  if (address?.family !== family) throw invalidArgument(`invalid value for host_ipv${family}: ${text}`);
  return [address];
}

function mtu(text: string | undefined): number | undefined {
  if (text === undefined || text === '0' || text === '') return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 68 || value > 65535) throw invalidArgument(`invalid MTU value: ${text}`);
  return value;
}

function flag(options: Readonly<Record<string, string>>, name: string, fallback: boolean): boolean {
  const text = options[prefix + name];
  if (text === undefined) return fallback;
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw invalidArgument(
    `failed to parse ${name} value: ${text} (strconv.ParseBool: parsing "${text}": invalid syntax)`,
  );
}
