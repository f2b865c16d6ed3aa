import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { closeNamespace, createNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { addVeth } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { type LinuxNetworking, openLinuxNetworking } from './linux-networking.ts';
import { createMemoryStore } from './memory-store.ts';
import type { Sandbox } from './networking.ts';
import { enterTestHost } from './test-host.ts';
import { ask, network, openPublished, refuses, request, run, serve } from './test-sandbox.ts';

/** Another machine, which sends to the containers' subnets through this host. */
let host: ReturnType<typeof enterTestHost>;
let networking: LinuxNetworking;
let outside: ReturnType<typeof createNetworkNamespace<void>>;
let client: Sandbox;

before(async () => {
  host = enterTestHost();
  outside = createNetworkNamespace(() => {});
  using route = NetlinkSocket.open('route');
  const batch = new NetlinkBatch();
  addVeth(batch, { name: 'lan0', peer: { name: 'lan0', mac: '02:42:00:00:00:01', namespace: outside.fd } });
  route.transact(batch, 'make the link between the machines');
  const path = `/proc/${process.pid}/fd/${outside.fd}`;
  client = { namespace: { kind: 'path', path } } as Sandbox;
  const ip = (text: string) => execFileSync('ip', text.split(' '));
  ip('addr add 192.168.77.1/24 dev lan0');
  ip('addr add 192.168.77.9/24 dev lan0');
  ip('link set lan0 up');
  ip('-6 addr add fd77::1/64 dev lan0 nodad');
  for (const command of ['ip link set lan0 up', 'ip link set lo up', 'ip addr add 192.168.77.2/24 dev lan0']) {
    run(client, ...command.split(' '));
  }
  run(client, ...'ip -6 addr add fd77::2/64 dev lan0 nodad'.split(' '));
  run(client, ...'ip route add 10.0.0.0/8 via 192.168.77.1'.split(' '));
  run(client, ...'ip -6 route add fd10::/16 via fd77::1'.split(' '));
  networking = openLinuxNetworking({ store: createMemoryStore(), log: silentLogger, execRoot: '/run/modes' });
  await networking.reconcile(new Map());
});
after(async () => {
  await networking.close();
  closeNamespace(outside.fd);
  host.leave();
});

interface Made {
  readonly sandbox: Sandbox;
  readonly address: string;
  readonly address6: string;
}

/** A network with these options, and a container in it that publishes its port 80 and also serves port 81. */
async function make(name: string, options: Record<string, string>, subnets: readonly string[]): Promise<Made> {
  await networking.createNetwork(
    network(name, {
      internal: Object.values(options).includes('isolated'),
      enableIPv6: subnets.length > 1,
      ipam: { Driver: 'default', Options: null, Config: subnets.map((Subnet) => ({ Subnet })) },
      options: Object.fromEntries(Object.entries(options).map(([key, value]) => [`com.docker.network.${key}`, value])),
    }),
  );
  const sandbox = await openPublished(
    networking,
    request(`in-${name}`, { networkMode: name, portBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } }),
  );
  const { IPAddress = '', GlobalIPv6Address = '' } = sandbox.endpoints[name]!;
  for (const port of [80, 81]) {
    await serve(sandbox, port, `${name} ${port}`);
    if (GlobalIPv6Address) await serve(sandbox, port, `${name} ${port}`, GlobalIPv6Address);
  }
  return { sandbox, address: IPAddress, address6: GlobalIPv6Address };
}

test('nat: a container’s own address is out of reach, its published port is not', async () => {
  const { sandbox, address } = await make('nat', {}, ['10.1.0.0/24']);
  await refuses(address, 80, client);
  await refuses(address, 81, client);
  const [{ HostPort = '' } = {}] = sandbox.ports['80/tcp'] ?? [];
  assert.equal(await ask('192.168.77.1', Number(HostPort), client), 'nat 80');
});

test('nat-unprotected: every port of a container answers at its own address', async () => {
  const { address } = await make('open', { 'bridge.gateway_mode_ipv4': 'nat-unprotected' }, ['10.2.0.0/24']);
  assert.equal(await ask(address, 80, client), 'open 80');
  assert.equal(await ask(address, 81, client), 'open 81');
});

test('routed: published ports answer at the container’s address, others do not, and no source is replaced', async () => {
  const modes = { 'bridge.gateway_mode_ipv4': 'routed', 'bridge.gateway_mode_ipv6': 'routed' };
  const { sandbox, address, address6 } = await make('routed', modes, ['10.3.0.0/24', 'fd10:3::/64']);
  assert.deepEqual(sandbox.ports['80/tcp'], [
    { HostIp: '0.0.0.0', HostPort: '' },
    { HostIp: '::', HostPort: '' },
  ]);
  assert.equal(await ask(address, 80, client), 'routed 80');
  assert.equal(await ask(address6, 80, client), 'routed 80');
  await refuses(address, 81, client);
  await refuses(address6, 81, client);
  run(client, 'busybox', 'ping', '-c1', '-W2', address);
  assert.equal(await peerAddress(sandbox), address);
});

test('host_ipv4: outgoing connections come from the address of one’s choice', async () => {
  const { sandbox } = await make('chosen', { host_ipv4: '192.168.77.9' }, ['10.4.0.0/24']);
  assert.equal(await peerAddress(sandbox), '192.168.77.9');
});

test('trusted_host_interfaces: who comes from there reaches every port', async () => {
  const { address } = await make('trusting', { 'bridge.trusted_host_interfaces': 'other0:lan0' }, ['10.5.0.0/24']);
  assert.equal(await ask(address, 81, client), 'trusting 81');
});

test('isolated: the host has no address in the network', async () => {
  const { sandbox } = await make('isolated', { 'bridge.gateway_mode_ipv4': 'isolated' }, ['10.6.0.0/24']);
  const addresses = execFileSync('ip', ['-4', '-o', 'addr'], { encoding: 'utf8' });
  assert.doesNotMatch(addresses, /10\.6\.0/);
  const peer = await openPublished(networking, request('isolated-peer', { networkMode: 'isolated' }));
  assert.equal(await ask(sandbox.endpoints.isolated!.IPAddress, 81, peer), 'isolated 81');
});

test('ports of a routed network are forgotten with the container', async () => {
  const listed = () => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' });
  assert.match(listed(), /10\.3\.0\.2 \. tcp \. 80/);
  const [endpoint] = networking.endpointsOf(networking.network('routed').id);
  await networking.closeSandbox(endpoint!.containerId);
  assert.doesNotMatch(listed(), /10\.3\.0\.2 \. tcp \. 80/);
});

const refused: readonly (readonly [options: Record<string, string>, message: RegExp])[] = [
  [{ 'com.docker.network.bridge.gateway_mode_ipv4': 'odd' }, /unknown gateway mode odd/],
  [{ 'com.docker.network.bridge.gateway_mode_ipv6': 'isolated' }, /can only be used for an internal network/],
  [{ 'com.docker.network.host_ipv4': 'fd00::1' }, /invalid value for host_ipv4: fd00::1/],
];
for (const [options, message] of refused) {
  test(`refuses ${JSON.stringify(options)}`, async () => {
    await assert.rejects(networking.createNetwork(network('bad', { options })), message);
  });
}

/** Where the other machine sees a sandbox's connections come from. */
async function peerAddress(sandbox: Sandbox): Promise<string> {
  const listener = await serve(client, 7000, 'x', '0.0.0.0');
  const seen = new Promise<string>((resolve) => {
    (listener as import('node:net').Server).once('connection', ({ remoteAddress = '' }) => resolve(remoteAddress));
  });
  await ask('192.168.77.2', 7000, sandbox);
  listener.close();
  return await seen;
}
