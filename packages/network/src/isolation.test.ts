import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { listLinks } from '@wharf/sys/netlink/link';
import { listTables } from '@wharf/sys/netlink/nftables';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { openBoundSocket } from '@wharf/sys/socket';
import { parseAddress } from './address.ts';
import { encodeResponse, parseQuery } from './dns/message.ts';
import { type LinuxNetworking, openLinuxNetworking } from './linux-networking.ts';
import { createMemoryStore } from './memory-store.ts';
import { enterTestHost } from './test-host.ts';
import { ask, inside, lookup, network, openPublished, refuses, request, run, serve, serveUdp } from './test-sandbox.ts';

let host: ReturnType<typeof enterTestHost>;
let networking: LinuxNetworking;

before(async () => {
  host = enterTestHost();
  networking = openLinuxNetworking({ store: createMemoryStore(), log: silentLogger, execRoot: '/run/isolation' });
  await networking.reconcile(new Map());
});
after(async () => {
  await networking.close();
  host.leave();
});

test('without inter-container communication only published ports are reachable', async () => {
  const options = { 'com.docker.network.bridge.enable_icc': 'false' };
  await networking.createNetwork(network('quiet', { options }));
  const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8180' }] };
  const web = await openPublished(networking, request('web', { networkMode: 'quiet', portBindings }));
  const other = await openPublished(networking, request('other', { networkMode: 'quiet' }));
  await serve(web, 80, 'published');
  await serve(web, 81, 'hidden');
  const { IPAddress, Gateway } = web.endpoints.quiet!;
  await refuses(IPAddress, 81, other);
  assert.equal(await ask(Gateway, 8180, other), 'published');
  assert.equal(await ask(Gateway, 8180, web), 'published');
  assert.equal(await ask(IPAddress, 81), 'hidden');
});

test('an internal network reaches neither the host’s other networks nor is it reached', async () => {
  await networking.createNetwork(network('inner', { internal: true }));
  const inner = await openPublished(networking, request('inner', { networkMode: 'inner' }));
  const outer = await openPublished(networking, request('outer'));
  await serve(inner, 80, 'inner');
  await serve(outer, 80, 'outer');
  assert.doesNotMatch(run(inner, 'busybox', 'ip', 'route'), /default/);
  run(inner, 'busybox', 'ip', 'route', 'add', 'default', 'via', inner.endpoints.inner!.IPAddress.replace(/\d+$/, '1'));
  await refuses(outer.endpoints.bridge!.IPAddress, 80, inner);
  await refuses(inner.endpoints.inner!.IPAddress, 80, outer);
  assert.equal(inner.endpoints.inner!.Gateway, '');
});

test('a container cannot reach the loopback of the host', async () => {
  const program = createServer((socket) => socket.end('secret'));
  const { promise, resolve } = Promise.withResolvers<void>();
  program.listen(8200, '127.0.0.1', resolve);
  await promise;
  const nosy = await openPublished(networking, request('nosy'));
  run(nosy, 'busybox', 'ip', 'link', 'set', 'lo', 'down');
  run(nosy, 'busybox', 'ip', 'route', 'add', '127.0.0.1/32', 'via', nosy.endpoints.bridge!.Gateway, 'dev', 'eth0');
  await refuses('127.0.0.1', 8200, nosy);
  assert.equal(await ask('127.0.0.1', 8200), 'secret');
  program.close();
});

test('IPv6 networks have addresses, routes, names and published ports', async () => {
  await networking.createNetwork(network('six', { enableIPv6: true }));
  const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8300' }] };
  const web = await openPublished(networking, request('web6', { networkMode: 'six', portBindings }));
  const endpoint = web.endpoints.six!;
  assert.match(endpoint.GlobalIPv6Address, /^fd/);
  assert.match(run(web, 'busybox', 'ip', '-6', 'route'), new RegExp(`default via ${endpoint.IPv6Gateway}`));
  assert.deepEqual(web.ports['80/tcp'], [
    { HostIp: '0.0.0.0', HostPort: '8300' },
    { HostIp: '::', HostPort: '8300' },
  ]);
  await serve(web, 80, 'six', '::');
  assert.equal(await ask(endpoint.IPv6Gateway, 8300), 'six');
  const peer = await openPublished(networking, request('peer6', { networkMode: 'six' }));
  assert.equal(await ask(endpoint.GlobalIPv6Address, 80, peer), 'six');
  assert.equal(await ask(endpoint.IPv6Gateway, 8300, peer), 'six');
});

test('two daemons share a host, and one that leaves takes only its own', async () => {
  const second = openLinuxNetworking({ store: createMemoryStore(), log: silentLogger, execRoot: '/run/second' });
  await second.reconcile(new Map());
  const theirs = second.network('bridge');
  const ours = networking.network('bridge');
  assert.notEqual(theirs.options['com.docker.network.bridge.name'], ours.options['com.docker.network.bridge.name']);
  assert.notDeepEqual(theirs.ipam.Config, ours.ipam.Config);
  using route = NetlinkSocket.open('route');
  using netfilter = NetlinkSocket.open('netfilter');
  const bridges = () => listLinks(route).filter(({ kind }) => kind === 'bridge').length;
  const before = bridges();
  assert.equal(new Set(listTables(netfilter).map(({ name }) => name)).size, 2);
  await second.close({ removeHostState: true });
  assert.equal(bridges(), before - 1);
  assert.equal(new Set(listTables(netfilter).map(({ name }) => name)).size, 1);
});

test('a client that kept sending UDP reaches the container once it is published, and its successor after it', async () => {
  const portBindings = { '9000/udp': [{ HostIp: '', HostPort: '8500' }] };
  const client = createSocket('udp4');
  const heard = (): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    client.once('message', (bytes) => resolve(bytes.toString()));
    return promise;
  };
  client.on('error', () => {});
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  client.bind(0, resolve);
  await ready;
  // The refusal of an earlier packet is told at the next one.
  const say = async (): Promise<void> => {
    while (await new Promise((sent) => client.send('hello', 8500, '127.0.0.1', sent))) {}
  };
  await say();
  for (const name of ['first', 'second']) {
    const sandbox = await openPublished(networking, request(name, { portBindings }));
    const server = await serveUdp(sandbox, 9000, name);
    const answer = heard();
    await say();
    assert.equal(await answer, name);
    server.close();
    await networking.closeSandbox(sandbox.containerId);
  }
  client.close();
});

test('a container’s own name server is asked from inside', async () => {
  await networking.createNetwork(network('named'));
  const asked = request('asker', { networkMode: 'named', dns: ['127.0.0.1'] });
  const sandbox = await openPublished(networking, asked);
  const server = createSocket('udp4');
  server.on('message', (bytes, from) => {
    const answer = encodeResponse(parseQuery(Buffer.from(bytes))!, 0, [{ address: parseAddress('203.0.113.7')! }]);
    server.send(answer, from.port, from.address);
  });
  const fd = inside(sandbox, () => openBoundSocket('udp', { address: Uint8Array.of(127, 0, 0, 1), port: 53 }));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.bind({ fd }, resolve);
  await promise;
  assert.equal(await lookup(sandbox, 'example.test'), '203.0.113.7');
  server.close();
});
