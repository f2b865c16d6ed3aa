import { invalidArgument, notImplemented } from '@wharf/base/error';
import { type Address, parseAddress } from '../address.ts';

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
}

/** Throws invalid_argument for a value that cannot be, not_implemented for what is not done yet. */
export function parseBridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  const read = (name: string) => options[prefix + name];
  for (const family of ['ipv4', 'ipv6']) {
    const mode = read(`bridge.gateway_mode_${family}`);
    if (mode !== undefined && mode !== 'nat') throw notImplemented(`gateway mode ${mode}`);
  }
  if (read('bridge.trusted_host_interfaces')) throw notImplemented('bridge option trusted_host_interfaces');
  if (read('host_ipv4') || read('host_ipv6')) throw notImplemented('network option host_ipv4');
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
    interfacePrefix: read('container_iface_prefix') || read('container_interface_prefix') || 'eth',
  };
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
