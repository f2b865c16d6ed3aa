import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { DaemonAddress } from '@wharf/api/client/address';
import type { ClientTls } from '@wharf/api/client/duplex';
import { ConnectionError, decodeFailure } from '@wharf/api/client/response-error';

/** Where a daemon is, and what it is to be told with every request. */
export interface BuildEndpoint {
  readonly address: DaemonAddress;
  readonly tls: ClientTls | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

type Header = readonly [name: string, value: string];

/** A connection that speaks HTTP/2 from here on; `head` is what has come of it already. */
export interface Upgraded {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** Asks the daemon to speak HTTP/2 on a connection, as buildx does. Throws ResponseError where it refuses. */
export async function upgradeToHttp2(
  endpoint: BuildEndpoint,
  path: string,
  headers: readonly Header[] = [],
): Promise<Upgraded> {
  const socket = await dial(endpoint);
  const { address } = endpoint;
  const host = address.kind === 'unix' ? 'api.moby.localhost' : address.text.slice('tcp://'.length);
  const lines: Header[] = [
    ['Host', host],
    ...Object.entries(endpoint.headers),
    ['Connection', 'Upgrade'],
    ['Upgrade', 'h2c'],
    ['Content-Length', '0'],
    ...headers,
  ];
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  const { text, rest } = await readHead(socket, address);
  const [, status = '0', reason = ''] = /^HTTP\/1\.[01] (\d+) ?([^\r]*)/.exec(text) ?? [];
  if (status === '101') return { socket, head: rest };
  const body = await readBody(socket, rest, text);
  socket.destroy();
  throw decodeFailure(Number(status), reason, body);
}

async function dial({ address, tls }: BuildEndpoint): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = open(address, tls, resolve);
  socket.once('error', (error) => reject(new ConnectionError(address.text, `error during connect: ${error.message}`)));
  await promise;
  return socket;
}

function open(address: DaemonAddress, tls: ClientTls | undefined, connected: () => void): Socket {
  if (address.kind === 'unix') return connectPlain({ path: address.path }, connected);
  const { hostname: host, port } = address;
  if (!tls) return connectPlain({ host, port }, connected);
  const { verify: rejectUnauthorized, ...material } = tls;
  return connectTls({ host, port, servername: host, rejectUnauthorized, ...material }, connected);
}

function readHead(socket: Socket, { text: address }: DaemonAddress): Promise<{ text: string; rest: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ text: string; rest: Buffer }>();
  let bytes: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.pause();
    socket.off('data', read);
    socket.off('close', lost);
    resolve({ text: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + 4) });
  };
  const lost = () =>
    reject(new ConnectionError(address, 'error during connect: the daemon closed the connection: EOF'));
  socket.on('data', read);
  socket.once('close', lost);
  return promise;
}

/** What a refusal says: short, and of a known length. */
async function readBody(socket: Socket, rest: Buffer, head: string): Promise<string> {
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  let body = rest;
  for await (const chunk of body.length < length ? socket : []) {
    body = Buffer.concat([body, chunk]);
    if (body.length >= length) break;
  }
  return body.toString('utf8', 0, length || body.length);
}
