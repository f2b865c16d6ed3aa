import { notImplemented } from '@wharf/base/error';
import { hasErrno } from '@wharf/sys/errno';
import { boundPort, closeSocket, openBoundSocket } from '@wharf/sys/socket';
import { type Address, addressBytes, formatAddress } from '../address.ts';
import type { PortTransport } from './publish-request.ts';

/** A port of the host that is ours. */
export interface HeldPort {
  readonly transport: PortTransport;
  /** Where the socket that holds it is bound: unspecified for every address of the family. */
  readonly address: Address;
  readonly port: number;
  /** Name of the container it is for. */
  readonly holder: string;
}

export interface PortWish {
  readonly transport: PortTransport;
  readonly address: Address;
  readonly first: number;
  readonly last: number;
  readonly holder: string;
}

export type PortFailure =
  | { readonly kind: 'allocated'; readonly port: number; readonly holder: string }
  | { readonly kind: 'in_use'; readonly port: number }
  | { readonly kind: 'no_address'; readonly port: number };

/**
 * Holds published ports with a bound socket each, as dockerd's proxy does, so that other programs see them taken.
 * No packet reaches these sockets: the packet rules send them on before.
 */
export class PortAllocator {
  readonly #held = new Map<HeldPort, number>();
  readonly #byPort: Record<PortTransport, Map<number, HeldPort[]>> = {
    tcp: new Map(),
    udp: new Map(),
    sctp: new Map(),
  };

  /** Takes the first free port of the wish; port 0 lets the kernel choose. */
  hold(wish: PortWish): HeldPort | PortFailure {
    let failure: PortFailure | undefined;
    for (let port = wish.first; port <= wish.last; port++) {
      const outcome = this.#hold(wish, port);
      if (!('kind' in outcome)) return outcome;
      failure = outcome;
    }
    return failure!;
  }

  release(port: HeldPort): void {
    const fd = this.#held.get(port);
    if (fd === undefined) return;
    closeSocket(fd);
    this.#held.delete(port);
    const byPort = this.#byPort[port.transport];
    const rest = (byPort.get(port.port) ?? []).filter((other) => other !== port);
    if (rest.length > 0) byPort.set(port.port, rest);
    else byPort.delete(port.port);
  }

  close(): void {
    for (const port of [...this.#held.keys()]) this.release(port);
  }

  #hold({ transport, address, holder }: PortWish, port: number): HeldPort | PortFailure {
    const byPort = this.#byPort[transport];
    const clash = byPort.get(port)?.find((other) => addressesClash(other.address, address));
    if (clash) return { kind: 'allocated', port, holder: clash.holder };
    let fd: number;
    try {
      fd = bindSocket(transport, address, port);
    } catch (error) {
      if (hasErrno(error, 'EADDRINUSE')) return { kind: 'in_use', port };
      if (hasErrno(error, 'EADDRNOTAVAIL')) return { kind: 'no_address', port };
      if (hasErrno(error, 'EPROTONOSUPPORT')) throw notImplemented(`holding an ${transport} port on this kernel`);
      throw error;
    }
    const held = { transport, address, port: port === 0 ? boundPort(fd) : port, holder };
    this.#held.set(held, fd);
    byPort.set(held.port, [...(byPort.get(held.port) ?? []), held]);
    return held;
  }
}

function bindSocket(transport: PortTransport, address: Address, port: number): number {
  const bytes = addressBytes(address);
  try {
    // Bound but not listening: where the rules do not apply, a client is refused at once instead of waiting.
    return openBoundSocket(transport, { address: bytes, port });
  } catch (error) {
    // A predecessor's connections may still be in TIME_WAIT. With SO_REUSEADDR only a listening socket keeps
    // others out.
    if (!hasErrno(error, 'EADDRINUSE') || transport !== 'tcp') throw error;
    return openBoundSocket(transport, { address: bytes, port, reuseAddress: true, listen: 1 });
  }
}

function addressesClash(a: Address, b: Address): boolean {
  return a.family === b.family && (a.value === b.value || a.value === 0n || b.value === 0n);
}

/** `0.0.0.0:80` or `[::1]:80`. */
export function formatHostPort(address: Address, port: number): string {
  return address.family === 4 ? `${formatAddress(address)}:${port}` : `[${formatAddress(address)}]:${port}`;
}
