import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { recordTypes } from './dns/message.ts';
import { type LinuxNetworking, openLinuxNetworking } from './linux-networking.ts';
import { createMemoryStore } from './memory-store.ts';
import { emptySettings } from './sandbox/plan.ts';
import { enterTestHost } from './test-host.ts';
import { ask, lookup, network, openPublished, refuses, request, run, serve } from './test-sandbox.ts';

let host: ReturnType<typeof enterTestHost>;
let networking: LinuxNetworking;
const store = createMemoryStore();
const options = { store, log: silentLogger, execRoot: '/run/wharf-network-test' };

before(async () => {
  host = enterTestHost();
  networking = openLinuxNetworking(options);
  await networking.reconcile(new Map());
});
after(async () => {
  await networking.close();
  host.leave();
});

describe('the default bridge', () => {
  test('gives an address, a route and a loopback, and takes all of it back', async () => {
    const asked = request('one');
    const sandbox = await openPublished(networking, asked);
    const endpoint = sandbox.endpoints.bridge!;
    assert.match(endpoint.IPAddress, /^172\.17\.0\.2$/);
    assert.equal(endpoint.MacAddress, '02:42:ac:11:00:02');
    assert.match(run(sandbox, 'busybox', 'ip', 'route'), /default via 172\.17\.0\.1 dev eth0/);
    assert.match(run(sandbox, 'busybox', 'ip', 'addr', 'show', 'dev', 'lo'), /127\.0\.0\.1/);
    assert.match(run(sandbox, 'busybox', 'ping', '-c1', '-W1', '172.17.0.1'), / 0% packet loss/);
    assert.match(sandbox.hosts, /172\.17\.0\.2\tone/);
    await networking.closeSandbox(asked.containerId);
    await networking.closeSandbox(asked.containerId);
    assert.equal(networking.sandbox(asked.containerId), undefined);
    assert.deepEqual(networking.endpointsOf(endpoint.NetworkID), []);
  });

  test('containers reach each other, by published port too, from outside, from loopback and from themselves', async () => {
    const web = request('web', {
      exposedPorts: ['80/tcp', '81/tcp'],
      portBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
    });
    const sandbox = await openPublished(networking, web);
    const other = await openPublished(networking, request('other'));
    assert.deepEqual(sandbox.ports, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '81/tcp': null });
    const server = await serve(sandbox, 80, 'hello');
    const gateway = sandbox.endpoints.bridge!.Gateway;
    assert.equal(await ask(sandbox.endpoints.bridge!.IPAddress, 80, other), 'hello');
    assert.equal(await ask('127.0.0.1', 8080), 'hello');
    assert.equal(await ask(gateway, 8080), 'hello');
    assert.equal(await ask(gateway, 8080, other), 'hello');
    assert.equal(await ask(gateway, 8080, sandbox), 'hello');
    server.close();
    await assert.rejects(openPublished(networking, request('taker', { portBindings: web.portBindings })), {
      message:
        /^driver failed programming external connectivity on endpoint taker \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated \(by container "web"\)$/,
    });
    await networking.closeSandbox(web.containerId);
    await refuses('127.0.0.1', 8080);
    await openPublished(networking, request('taker', { portBindings: web.portBindings }));
    await networking.closeSandbox(request('taker').containerId);
  });

  test('a port that another program holds is refused', async () => {
    const program = createServer();
    const { promise, resolve } = Promise.withResolvers<void>();
    program.listen(8099, '0.0.0.0', resolve);
    await promise;
    const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8099' }] };
    await assert.rejects(
      openPublished(networking, request('late', { portBindings })),
      /: address already in use \(by process "[^"]+", pid \d+\)$/,
    );
    program.close();
  });
});

describe('a user-defined network', () => {
  test('answers names, aliases and addresses, and nothing of other networks', async () => {
    const { id } = await networking.createNetwork(network('front'));
    await networking.createNetwork(network('back'));
    const settings = { ...emptySettings, Aliases: ['api'] };
    const one = await openPublished(
      networking,
      request('alpha', { networkMode: 'front', endpoints: { front: settings } }),
    );
    const two = await openPublished(networking, request('beta', { networkMode: 'front' }));
    const apart = await openPublished(networking, request('gamma', { networkMode: 'back' }));
    assert.match(one.resolvConf, /nameserver 127\.0\.0\.11/);
    const address = one.endpoints.front!.IPAddress;
    for (const name of ['alpha', 'API', 'alpha.front', one.containerId.slice(0, 12)]) {
      assert.equal(await lookup(two, name), address, name);
    }
    assert.equal(
      await lookup(two, address.split('.').reverse().concat('in-addr', 'arpa').join('.'), recordTypes.ptr),
      'alpha.front',
    );
    assert.equal(await lookup(two, 'alpha', recordTypes.aaaa), 'rcode 0');
    assert.notEqual(await lookup(apart, 'alpha'), address);
    networking.rename(one.containerId, 'omega');
    assert.equal(await lookup(two, 'omega'), address);
    await refuses(one.endpoints.front!.IPAddress, 80, apart);
    assert.equal(networking.endpointsOf(id).length, 2);
    await assert.rejects(networking.removeNetwork('front'), /has active endpoints/);
    for (const { containerId } of networking.endpointsOf(id)) await networking.closeSandbox(containerId);
    await networking.removeNetwork('front');
    assert.throws(() => networking.network('front'), { message: 'network front not found' });
  });

  test('can be joined and left live', async () => {
    await networking.createNetwork(
      network('late', { ipam: { Driver: 'default', Options: null, Config: [{ Subnet: '10.77.0.0/24' }] } }),
    );
    const asked = request('mover');
    await openPublished(networking, asked);
    await networking.connect(asked.containerId, 'late', {
      ...emptySettings,
      GwPriority: 5,
      IPAMConfig: { IPv4Address: '10.77.0.9' },
    });
    const joined = networking.sandbox(asked.containerId)!;
    assert.equal(joined.endpoints.late!.IPAddress, '10.77.0.9');
    assert.match(run(joined, 'busybox', 'ip', 'route'), /default via 10\.77\.0\.1 dev eth1/);
    assert.match(joined.resolvConf, /127\.0\.0\.11/);
    await networking.disconnect(asked.containerId, 'late', { force: false });
    const left = networking.sandbox(asked.containerId)!;
    assert.deepEqual(Object.keys(left.endpoints), ['bridge']);
    assert.match(run(left, 'busybox', 'ip', 'route'), /default via 172\.17\.0\.1 dev eth0/);
    assert.doesNotMatch(run(left, 'busybox', 'ip', 'link'), /eth1/);
  });
});
