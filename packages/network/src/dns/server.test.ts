import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { openNamespace } from '@wharf/sys/namespaces';
import { closeSocket, openBoundSocket } from '@wharf/sys/socket';
import { parseAddress } from '../address.ts';
import { enterTestHost } from '../test-host.ts';
import { encodeName } from './message.ts';
import type { NameView } from './resolver.ts';
import { DnsServer } from './server.ts';
import { frame } from './upstream.ts';

let host: ReturnType<typeof enterTestHost>;
let namespace: number;
before(() => {
  host = enterTestHost();
  namespace = openNamespace('/proc/thread-self/ns/net');
});
after(() => {
  closeSocket(namespace);
  host.leave();
});

const view: NameView = {
  lookup: (name) => (name === 'web' ? [parseAddress('10.0.0.9')!] : undefined),
  reverse: () => undefined,
  forward: async () => undefined,
  forwards: true,
};

const question = Buffer.concat([
  Buffer.from('123401000001000000000000', 'hex'),
  encodeName('web'),
  Uint8Array.of(0, 1, 0, 1),
]);

/** Asks 127.0.0.11:53 for `web`; answers the last byte of the address. */
async function ask(): Promise<number | undefined> {
  const client = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  client.on('message', (bytes: Buffer) => resolve(Buffer.from(bytes)));
  const { promise: ready, resolve: bound } = Promise.withResolvers<void>();
  client.bind(0, '127.0.0.1', bound);
  await ready;
  client.send(question, 53, '127.0.0.11');
  const answer = await promise;
  client.close();
  return answer.at(-1);
}

/** The same over TCP. */
async function askByStream(): Promise<number | undefined> {
  const socket = connect(53, '127.0.0.11');
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  socket.on('data', (chunk: Buffer) => resolve(Buffer.from(chunk)));
  socket.write(frame(question));
  const answer = await promise;
  socket.destroy();
  return answer.at(-1);
}

test('a server that comes back listens where the namespace sends, and elsewhere if it must', async () => {
  const first = DnsServer.open(namespace, view);
  assert.equal(await ask(), 9);
  assert.equal(await askByStream(), 9);
  const connections = readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8');
  assert.equal(connections.trim(), '0', 'no question costs an entry in the table of connections');
  first.close();
  const second = DnsServer.open(namespace, view, first.ports);
  assert.deepEqual(second.ports, first.ports);
  assert.equal(await ask(), 9);
  second.close();
  const squatter = openBoundSocket('udp', { address: Uint8Array.of(127, 0, 0, 11), port: first.ports.udp });
  const third = DnsServer.open(namespace, view, first.ports);
  assert.notEqual(third.ports.udp, first.ports.udp);
  assert.equal(await ask(), 9);
  assert.equal(await askByStream(), 9);
  third.close();
  closeSocket(squatter);
});
