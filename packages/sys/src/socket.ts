import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const EINPROGRESS = 115;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const transports = {
  tcp: { type: 1, protocol: 6 },
  udp: { type: 2, protocol: 17 },
  sctp: { type: 1, protocol: 132 },
} as const;

export type Transport = keyof typeof transports;

export interface BindOptions {
  /** Network byte order: 4 bytes or 16. */
  readonly address: Uint8Array;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly reuseAddress?: boolean;
  /** Backlog; undefined does not listen. */
  readonly listen?: number;
}

/**
 * A bound, non-blocking, close-on-exec socket in the calling thread's present network namespace. Throws
 * SystemError (`EADDRINUSE`, `EADDRNOTAVAIL`). The caller owns the descriptor.
 */
export function openBoundSocket(transport: Transport, { address, port, reuseAddress, listen }: BindOptions): number {
  const { type, protocol } = transports[transport];
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const fd = check(syscall('socket', family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), 'open a socket');
  try {
    if (reuseAddress) check(syscall('setsockopt', fd, SOL_SOCKET, SO_REUSEADDR, yes(), 4), 'set SO_REUSEADDR');
    if (family === AF_INET6) check(syscall('setsockopt', fd, IPPROTO_IPV6, IPV6_V6ONLY, yes(), 4), 'set IPV6_V6ONLY');
    const name = socketAddress(address, port);
    const bound = syscall('bind', fd, name, name.length);
    if (bound < 0) check(bound, `bind ${transport} port ${port}`);
    if (listen !== undefined) check(syscall('listen', fd, listen), `listen on ${transport} port ${port}`);
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

/** A TCP socket of the calling thread's present network namespace that is on its way to a server. Never waits. */
export function openConnectingSocket({ address, port }: Pick<BindOptions, 'address' | 'port'>): number {
  const { type, protocol } = transports.tcp;
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const fd = check(syscall('socket', family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), 'open a socket');
  const name = socketAddress(address, port);
  const result = syscall('connect', fd, name, name.length);
  if (result < 0 && result !== -EINPROGRESS) {
    closeSocket(fd);
    check(result, `connect to TCP port ${port}`);
  }
  return fd;
}

/** The local port a socket is bound to. */
export function boundPort(fd: number): number {
  const name = Buffer.alloc(28);
  check(syscall('getsockname', fd, name, new Uint8Array(Uint32Array.of(name.length).buffer)), 'getsockname');
  return name.readUInt16BE(2);
}

export function closeSocket(fd: number): void {
  syscall('close', fd);
}

/** An option that is on. */
function yes(): Uint8Array {
  return Uint8Array.of(1, 0, 0, 0);
}

/** struct sockaddr_in or sockaddr_in6 */
function socketAddress(address: Uint8Array, port: number): Uint8Array {
  const name = new Uint8Array(address.length === 4 ? 16 : 28);
  name[0] = address.length === 4 ? AF_INET : AF_INET6;
  name[2] = port >> 8;
  name[3] = port;
  name.set(address, address.length === 4 ? 4 : 8);
  return name;
}
