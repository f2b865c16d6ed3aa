import { EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { type Address, parseAddress } from '../address.ts';

/** What `--opt` says about an overlay network between peers that are named. */
export interface OverlayOptions {
  /** VXLAN network identifier: the same on all hosts. */
  readonly id: number;
  /** The other hosts. */
  readonly peers: readonly Address[];
  readonly local: Address | undefined;
  readonly port: number;
  /** What fits into the underlying network's packets with 50 bytes of headers, 70 for IPv6. */
  readonly mtu: number;
}

const ianaPort = 4789;

/** Throws unavailable without `peers`: then a cluster's store would have to tell who they are. */
export function parseOverlayOptions(options: Readonly<Record<string, string>>): OverlayOptions {
  if (options.encrypted !== undefined) throw notImplemented('an encrypted overlay network');
  const { peers: list = '' } = options;
  if (list === '') {
    throw new EngineError(
      'unavailable',
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again. Without a swarm, name the other hosts by --opt peers=ADDRESS[,ADDRESS...].',
    );
  }
  const peers = list.split(',').map((text) => {
    const address = parseAddress(text.trim());
    if (!address) throw invalidArgument(`invalid peer address: ${text}`);
    return address;
  });
  if (new Set(peers.map(({ family }) => family)).size > 1) {
    throw invalidArgument('the peers of an overlay network are of one address family');
  }
  const local = options.local ? parseAddress(options.local) : undefined;
  if (options.local && local?.family !== peers[0]?.family) {
    throw invalidArgument(`invalid local address: ${options.local}`);
  }
  return {
    id: integer(options, 'com.docker.network.driver.overlay.vxlanid_list', { from: 1, to: 0xff_ffff, otherwise: 4097 }),
    peers,
    local,
    port: integer(options, 'port', { from: 1, to: 65535, otherwise: ianaPort }),
    mtu: integer(options, 'com.docker.network.driver.mtu', {
      from: 68,
      to: 65535,
      otherwise: peers[0]?.family === 6 ? 1430 : 1450,
    }),
  };
}

function integer(
  options: Readonly<Record<string, string>>,
  name: string,
  { from, to, otherwise }: { from: number; to: number; otherwise: number },
): number {
  const text = options[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= from && value <= to) return value;
  throw invalidArgument(`invalid value for ${name}: ${text} is not a number from ${from} to ${to}`);
}
