import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { closeNamespace, inNetworkNamespace } from '@wharf/sys/namespaces';
import { openBoundSocket } from '@wharf/sys/socket';
import { parseAddress } from '../address.ts';
import { NamespacePool } from '../sandbox/namespace-pool.ts';
import { enterTestHost } from '../test-host.ts';
import { encodeName, encodeResponse, parseQuery, responseCodes } from './message.ts';
import { type NameView, resolve } from './resolver.ts';
import { frame, Upstream } from './upstream.ts';

let host: ReturnType<typeof enterTestHost>;
let upstream: Upstream;
before(() => {
  host = enterTestHost();
  upstream = new Upstream();
});
after(async () => {
  await upstream.close();
  host.leave();
});

const question = Buffer.concat([
  Buffer.from('123401000001000000000000', 'hex'),
  encodeName('example.test'),
  Uint8Array.of(0, 1, 0, 1),
]);
const answerTo = (bytes: Buffer) =>
  encodeResponse(parseQuery(bytes)!, responseCodes.noError, [{ address: parseAddress('203.0.113.5')! }]);

const view: NameView = {
  lookup: () => undefined,
  reverse: () => undefined,
  forwards: true,
  forward: (query, transport) => upstream.ask(query, ['127.0.0.3', '127.0.0.2'], transport),
};

test('a dead server is passed over, and only the one asked may answer', async () => {
  const server = createSocket('udp4');
  const liar = createSocket('udp4');
  const ids: number[] = [];
  server.on('message', (bytes, from) => {
    ids.push(bytes.readUInt16BE(0));
    const forged = answerTo(Buffer.from(bytes));
    forged.fill(9, forged.length - 4);
    liar.send(forged, from.port, from.address, () => {
      server.send(answerTo(Buffer.from(bytes)), from.port, from.address);
    });
  });
  await Promise.all([bound(server, '127.0.0.2'), bound(liar, '127.0.0.4')]);
  const [first, second] = await Promise.all([resolve(view, question, 'udp'), resolve(view, question, 'udp')]);
  for (const answer of [first, second]) {
    assert.equal(answer?.readUInt16BE(0), 0x1234);
    assert.deepEqual([...answer.subarray(-4)], [203, 0, 113, 5]);
  }
  assert.notEqual(ids[0], ids[1]);
  server.close();
  liar.close();
});

test('a server that fails or refuses is passed over; where all do, one says so', async () => {
  const failing = createSocket('udp4');
  const knowing = createSocket('udp4');
  failing.on('message', (bytes, from) => {
    const refusal = encodeResponse(parseQuery(Buffer.from(bytes))!, responseCodes.refused, []);
    failing.send(refusal, from.port, from.address);
  });
  knowing.on('message', (bytes, from) => knowing.send(answerTo(Buffer.from(bytes)), from.port, from.address));
  await Promise.all([bound(failing, '127.0.0.5'), bound(knowing, '127.0.0.6')]);
  const answer = await upstream.ask(question, ['127.0.0.5', '127.0.0.6'], 'udp');
  assert.deepEqual([...answer!.subarray(-4)], [203, 0, 113, 5]);
  const refused = await upstream.ask(question, ['127.0.0.5'], 'udp');
  assert.equal(refused![3]! & 15, responseCodes.refused);
  failing.close();
  knowing.close();
});

test('a silent server does not hold up the next, and is asked last from then on', async () => {
  const silent = createSocket('udp4');
  const knowing = createSocket('udp4');
  let asked = 0;
  silent.on('message', () => asked++);
  knowing.on('message', (bytes, from) => knowing.send(answerTo(Buffer.from(bytes)), from.port, from.address));
  await Promise.all([bound(silent, '127.0.0.7'), bound(knowing, '127.0.0.8')]);
  const servers = ['127.0.0.7', '127.0.0.8'];
  assert.deepEqual([...(await upstream.ask(question, servers, 'udp'))!.subarray(-4)], [203, 0, 113, 5]);
  assert.equal(asked, 1);
  // It has run out of time when asked alone.
  assert.equal(await upstream.ask(question, ['127.0.0.7'], 'udp'), undefined);
  const before = asked;
  assert.deepEqual([...(await upstream.ask(question, servers, 'udp'))!.subarray(-4)], [203, 0, 113, 5]);
  assert.equal(asked, before);
  silent.close();
  knowing.close();
});

test('questions over TCP are asked over TCP', async () => {
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => {
      const reply = frame(answerTo(Buffer.from(bytes.subarray(2))));
      socket.write(reply.subarray(0, 5), () => socket.write(reply.subarray(5)));
    });
  });
  const { promise, resolve: ready } = Promise.withResolvers<void>();
  server.listen(53, '127.0.0.2', ready);
  await promise;
  const answer = await resolve(view, question, 'tcp');
  assert.deepEqual([...(answer?.subarray(-4) ?? [])], [203, 0, 113, 5]);
  server.close();
});

test('a container’s own server is asked over TCP from inside; one that refuses is passed over', async () => {
  const pool = new NamespacePool(0);
  const { fd, route } = pool.take();
  route.close();
  const long = encodeResponse(
    parseQuery(question)!,
    responseCodes.noError,
    Array.from({ length: 200 }, (_, index) => ({ address: parseAddress(`203.0.113.${index}`)! })),
  );
  assert.ok(long.length > 1400);
  const server = createServer((socket) => socket.on('data', () => socket.write(frame(long))));
  const { promise, resolve: ready } = Promise.withResolvers<void>();
  const listening = { address: Uint8Array.of(127, 0, 0, 53), port: 53, listen: 8 };
  server.listen({ fd: inNetworkNamespace(fd, () => openBoundSocket('tcp', listening)) }, ready);
  await promise;
  const inside = new Upstream(fd);
  assert.deepEqual(await inside.ask(question, ['127.0.0.54', '127.0.0.53'], 'tcp'), long);
  assert.equal(await inside.ask(question, ['192.0.2.1'], 'tcp'), undefined, 'there is no way to it');
  assert.equal(await upstream.ask(question, ['127.0.0.53'], 'tcp'), undefined, 'it is not the host’s');
  await inside.close();
  server.close();
  closeNamespace(fd);
  pool.close();
});

test('a question waits for a connection that takes its time', async () => {
  // The kernel sends what begins a connection again after a second.
  const chain =
    'type filter hook input priority 0; tcp dport 53 tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop;';
  execFileSync('nft', ['-f', '-'], {
    input: `table inet slow {\nchain input {\n${chain.replaceAll('; ', ';\n')}\n}\n}`,
  });
  const server = createServer((socket) =>
    socket.on('data', (bytes: Buffer) => socket.write(frame(answerTo(bytes.subarray(2))))),
  );
  const { promise, resolve: ready } = Promise.withResolvers<void>();
  server.listen(53, '127.0.0.55', ready);
  await promise;
  const answer = await upstream.ask(question, ['127.0.0.55'], 'tcp');
  execFileSync('nft', ['delete', 'table', 'inet', 'slow']);
  assert.deepEqual([...(answer?.subarray(-4) ?? [])], [203, 0, 113, 5]);
  server.close();
});

test('an internal sandbox never asks outside (CVE-2024-29018)', async () => {
  const answer = await resolve({ ...view, forwards: false }, question, 'udp');
  assert.equal((answer?.[3] ?? 0) & 15, responseCodes.nameError);
});

function bound(socket: ReturnType<typeof createSocket>, address: string): Promise<void> {
  const { promise, resolve: ready } = Promise.withResolvers<void>();
  socket.bind(53, address, ready);
  return promise;
}
