import { rmSync } from 'node:fs';
import { check } from './errno.ts';
import { addressOf, syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const longestPath = 107;

/** A listening unix socket, non-blocking and close-on-exec, in the place of whatever the path held. */
export function listenUnix(path: string, backlog: number): number {
  const bytes = Buffer.from(path);
  if (bytes.length > longestPath) throw new Error(`the socket path ${path} is longer than ${longestPath} bytes`);
  const fd = check(syscall('socket', AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC), 'open a unix socket');
  try {
    rmSync(path, { force: true });
    const address = Buffer.alloc(2 + bytes.length + 1);
    address.writeUInt16LE(AF_UNIX, 0);
    bytes.copy(address, 2);
    check(syscall('bind', fd, address, address.length), `bind ${path}`);
    check(syscall('listen', fd, backlog), `listen on ${path}`);
    return fd;
  } catch (error) {
    syscall('close', fd);
    throw error;
  }
}

/** accept4(2): a non-blocking, close-on-exec descriptor; undefined when nobody waits. */
export function acceptUnix(listener: number): number | undefined {
  const fd = syscall('accept4', listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? undefined : fd;
}

/** Takes one descriptor that the peer sent by SCM_RIGHTS; close-on-exec. Throws if there is none. */
export function receiveDescriptor(socket: number): number {
  const data = Buffer.alloc(4096);
  const control = Buffer.alloc(64);
  const vector = BigUint64Array.of(addressOf(data), BigInt(data.length));
  // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
  const header = BigUint64Array.of(0n, 0n, addressOf(vector), 1n, addressOf(control), BigInt(control.length), 0n);
  check(syscall('recvmsg', socket, header, MSG_CMSG_CLOEXEC), 'receive a descriptor');
  // struct cmsghdr: length, level, type
  const controlLength = Number(header[5]);
  if (controlLength < 20 || control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) {
    throw new Error('the peer sent no descriptor');
  }
  return control.readInt32LE(16);
}
