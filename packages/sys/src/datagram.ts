import { check } from './errno.ts';
import { closeSocket } from './socket.ts';
import { syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** Sends one datagram to a unix socket. A path that starts with `@` is in the abstract namespace. */
export function sendUnixDatagram(path: string, text: string): void {
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  // struct sockaddr_un: family, then the path; its NUL counts for files only.
  const address = Buffer.alloc(2 + name.length + (name[0] === 0 ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const payload = Buffer.from(text);
  const fd = check(syscall('socket', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'open a datagram socket');
  try {
    check(syscall('sendto', fd, payload, payload.length, 0, address, address.length), `send to ${path}`);
  } finally {
    closeSocket(fd);
  }
}
