import { check, SystemError } from '../errno.ts';
import { syscall } from '../syscall.ts';
import { attributeText, decodeAttributes, NetlinkBatch } from './batch.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NETLINK_CAP_ACK = 10;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const ENOBUFS = 105;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP = 0x300;
const NLMSGERR_ATTR_MSG = 1;

export type NetlinkProtocol = 'route' | 'netfilter';
const protocols = { route: 0, netfilter: 12 } as const satisfies Record<NetlinkProtocol, number>;

/** A received message: its type, and what follows the netlink header. The body is a view that the next call reuses. */
export interface NetlinkMessage {
  readonly type: number;
  readonly body: Buffer;
}

/** A netlink socket. It stays in the network namespace it was opened in. Every call is synchronous. */
export class NetlinkSocket implements Disposable {
  readonly #fd: number;
  readonly #received = Buffer.alloc(64 * 1024);

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens it in the calling thread's present network namespace. */
  static open(protocol: NetlinkProtocol): NetlinkSocket {
    const fd = check(syscall('socket', AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocols[protocol]), 'open netlink');
    const size = new Uint8Array(Uint32Array.of(8 << 20).buffer);
    const on = Uint8Array.of(1, 0, 0, 0);
    syscall('setsockopt', fd, SOL_SOCKET, SO_SNDBUFFORCE, size, 4);
    syscall('setsockopt', fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4);
    syscall('setsockopt', fd, SOL_NETLINK, NETLINK_EXT_ACK, on, 4);
    syscall('setsockopt', fd, SOL_NETLINK, NETLINK_CAP_ACK, on, 4);
    return new NetlinkSocket(fd);
  }

  /**
   * A socket that hears of changes: `groups` are bits of linux/rtnetlink.h, RTMGRP_*. What nobody takes from it stays
   * in a small buffer.
   */
  static listen(protocol: NetlinkProtocol, groups: number): NetlinkSocket {
    const fd = check(syscall('socket', AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocols[protocol]), 'open netlink');
    const socket = new NetlinkSocket(fd);
    const name = new Uint8Array(Uint32Array.of(AF_NETLINK, 0, groups).buffer);
    try {
      check(syscall('bind', fd, name, name.length), 'listen to netlink');
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** What came since the last call, read; undefined when some of it was lost. Never waits. */
  heard<T>(read: Reader<T>): T[] | undefined {
    const found: T[] = [];
    let lost = false;
    for (;;) {
      const length = this.#receive(MSG_DONTWAIT);
      if (length === -EAGAIN) return lost ? undefined : found;
      if (length === -ENOBUFS) {
        lost = true;
        continue;
      }
      check(length, 'hear of changes');
      for (const message of split(this.#received.subarray(0, length))) {
        const value = read(message);
        if (value !== undefined) found.push(value);
      }
    }
  }

  /**
   * Sends the messages and returns when the kernel has done them all. Throws the first refusal; route messages
   * after a refused one are still done, a netfilter batch is done whole or not at all.
   */
  transact(batch: NetlinkBatch, what: string): void {
    let failure: SystemError | undefined;
    // The kernel works in the sender's own context: when sendto returns, every refusal is already queued.
    this.#send(batch.bytes, what);
    for (;;) {
      const length = this.#receive(MSG_DONTWAIT);
      if (length === -EAGAIN) break;
      check(length, what);
      for (const message of split(this.#received.subarray(0, length))) failure ??= refusal(message, what);
    }
    if (failure) throw failure;
  }

  /** Asks for one object. Returns undefined where the kernel says it does not exist. */
  get<T>(type: number, header: Uint8Array, body: (attributes: NetlinkBatch) => void, read: Reader<T>): T | undefined {
    this.#send(new NetlinkBatch().message(type, 0, header, body).bytes, 'netlink get');
    const length = check(this.#receive(0), 'netlink get');
    for (const message of split(this.#received.subarray(0, length))) {
      if (message.type === NLMSG_ERROR) return undefined;
      return read(message);
    }
    return undefined;
  }

  /** Asks for every object of a kind; `ask` narrows that where the kernel knows how. */
  dump<T>(type: number, header: Uint8Array, read: Reader<T>, ask?: (attributes: NetlinkBatch) => void): T[] {
    const found: T[] = [];
    this.#send(new NetlinkBatch().message(type, NLM_F_DUMP, header, ask).bytes, 'netlink dump');
    for (;;) {
      const length = check(this.#receive(0), 'netlink dump');
      for (const message of split(this.#received.subarray(0, length))) {
        if (message.type === NLMSG_DONE) return found;
        const failure = refusal(message, 'netlink dump');
        if (failure) throw failure;
        const value = read(message);
        if (value !== undefined) found.push(value);
      }
    }
  }

  close(): void {
    syscall('close', this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #send(bytes: Buffer, what: string): void {
    check(syscall('sendto', this.#fd, bytes, bytes.length, 0, null, 0), what);
  }

  #receive(flags: number): number {
    return syscall('recvfrom', this.#fd, this.#received, this.#received.length, flags, null, 0);
  }
}

type Reader<T> = (message: NetlinkMessage) => T | undefined;

function* split(bytes: Buffer): Generator<NetlinkMessage> {
  let offset = 0;
  while (offset + 16 <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < 16) return;
    yield { type: bytes.readUInt16LE(offset + 4), body: bytes.subarray(offset + 16, offset + length) };
    offset += (length + 3) & ~3;
  }
}

function refusal({ type, body }: NetlinkMessage, what: string): SystemError | undefined {
  if (type !== NLMSG_ERROR) return undefined;
  const errno = -body.readInt32LE(0);
  if (errno === 0) return undefined;
  const detail = attributeText(decodeAttributes(body.subarray(20)).get(NLMSGERR_ATTR_MSG));
  return new SystemError(detail === '' ? what : `${what} (${detail})`, errno);
}
