import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { hasErrno } from '@wharf/sys/errno';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { boundPort, closeSocket, openBoundSocket } from '@wharf/sys/socket';
import { isRedirected, type Redirected, redirectDns } from './redirect.ts';
import { type NameView, resolve } from './resolver.ts';
import { frame } from './upstream.ts';

/** Where a container's resolver asks. Docker's address, inside the container's own loopback. */
export const dnsAddress = '127.0.0.11';
const addressBytes = Uint8Array.of(127, 0, 0, 11);
const maxTcpClients = 64;
const tcpIdleMilliseconds = 10_000;
/** A client that asks and does not read must not cost the daemon its memory. */
const maxUnreadBytes = 256 * 1024;

export interface DnsPorts {
  readonly udp: number;
  readonly tcp: number;
}

/** The DNS server of one sandbox, listening inside its network namespace. */
export class DnsServer {
  readonly ports: DnsPorts;
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #clients = new Set<TcpSocket>();

  /** `ports` are those of the daemon before: the namespace still sends there. */
  static open(namespace: number, view: NameView, ports?: DnsPorts): DnsServer {
    const sockets = inNetworkNamespace(namespace, () => (ports ? reopenSockets(ports) : openSockets('not')));
    const server = new DnsServer(sockets.ports, view);
    // Bound sockets queue what arrives: nobody has to wait until they are read.
    server.#udp.bind({ fd: sockets.udp });
    server.#tcp.listen({ fd: sockets.tcp });
    server.#udp.unref();
    server.#tcp.unref();
    return server;
  }

  private constructor(ports: DnsPorts, view: NameView) {
    this.ports = ports;
    this.#udp = createSocket('udp4');
    this.#udp.on('error', () => {});
    this.#udp.on('message', (bytes: Buffer, { address, port }) => {
      void resolve(view, Buffer.from(bytes), 'udp').then((answer) => answer && this.#reply(answer, port, address));
    });
    this.#tcp = createServer((client) => this.#serve(client, view));
    this.#tcp.on('error', () => {});
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const client of this.#clients) client.destroy();
  }

  #reply(answer: Buffer, port: number, address: string): void {
    // The container may be gone by now, and the socket with it.
    try {
      this.#udp.send(answer, port, address, () => {});
    } catch {}
  }

  #serve(client: TcpSocket, view: NameView): void {
    if (this.#clients.size >= maxTcpClients) {
      client.destroy();
      return;
    }
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    client.on('error', () => client.destroy());
    client.setTimeout(tcpIdleMilliseconds, () => client.destroy());
    let received = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const query = Buffer.from(received.subarray(2, end));
        received = received.subarray(end);
        void resolve(view, query, 'tcp').then((answer) => {
          if (!answer || client.writableLength > maxUnreadBytes) client.destroy();
          else client.write(frame(answer));
        });
      }
    });
  }
}

interface DnsSockets {
  readonly udp: number;
  readonly tcp: number;
  readonly ports: DnsPorts;
}

/**
 * Port 53 itself stays free for name servers that run in the container: the kernel chooses. Only a kernel that
 * cannot redirect gets its servers at that port.
 */
function openSockets(found: Redirected): DnsSockets {
  const sockets = bindSockets({ udp: 0, tcp: 0 });
  try {
    redirectDns(sockets.ports, found);
    return sockets;
  } catch (error) {
    closeSocket(sockets.udp);
    closeSocket(sockets.tcp);
    if (!cannotRedirect.some((code) => hasErrno(error, code))) throw error;
    return bindSockets({ udp: dnsPort, tcp: dnsPort });
  }
}

const dnsPort = 53;
/** What a kernel without nf_tables, or without its family for IPv4, says. */
const cannotRedirect = ['EPROTONOSUPPORT', 'EAFNOSUPPORT', 'EOPNOTSUPP'];

function reopenSockets(ports: DnsPorts): DnsSockets {
  const stands = isRedirected();
  try {
    const sockets = bindSockets(ports);
    if (!stands && ports.udp !== dnsPort) redirectDns(ports, 'not');
    return sockets;
  } catch (error) {
    // A program of the container took the port while nobody held it.
    if (!hasErrno(error, 'EADDRINUSE')) throw error;
    return openSockets(stands ? 'stale' : 'not');
  }
}

function bindSockets({ udp: udpPort, tcp: tcpPort }: DnsPorts): DnsSockets {
  const udp = openBoundSocket('udp', { address: addressBytes, port: udpPort });
  try {
    const tcp = openBoundSocket('tcp', { address: addressBytes, port: tcpPort, reuseAddress: true, listen: 64 });
    return { udp, tcp, ports: { udp: boundPort(udp), tcp: boundPort(tcp) } };
  } catch (error) {
    closeSocket(udp);
    throw error;
  }
}
