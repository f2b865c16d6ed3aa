import { wouldBlock } from './descriptor.ts';
import { check } from './errno.ts';
import { closeSocket } from './socket.ts';
import { syscall } from './syscall.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** Sends one datagram to a unix socket. A path that starts with `@` is in the abstract namespace. */
export function sendUnixDatagram(path: string, text: string): void {
  const address = unixAddress(path);
  const payload = Buffer.from(text);
  const fd = check(syscall('socket', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'open a datagram socket');
  try {
    check(syscall('sendto', fd, payload, payload.length, 0, address, address.length), `send to ${path}`);
  } finally {
    closeSocket(fd);
  }
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Datagrams to one unix socket, over one of our own. */
export class UnixDatagrams {
  readonly #path: string;
  readonly #address: Buffer;
  readonly #fd: number;

  constructor(path: string) {
    this.#path = path;
    this.#address = unixAddress(path);
    this.#fd = check(syscall('socket', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'open a datagram socket');
  }

  /** The bytes sent, or `wouldBlock` while the receiver's queue is full. Throws SystemError. */
  send(payload: Uint8Array): number {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const result = syscall('sendto', this.#fd, payload, payload.length, flags, this.#address, this.#address.length);
    return result === wouldBlock ? result : check(result, `send to ${this.#path}`);
  }

  close(): void {
    closeSocket(this.#fd);
  }
}

/** struct sockaddr_un: family, then the path; its NUL counts for files only. */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  const address = Buffer.alloc(2 + name.length + (name[0] === 0 ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  return address;
}
