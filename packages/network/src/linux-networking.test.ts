import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { inNetworkNamespace, openNamespace } from '@wharf/sys/namespaces';
import { type LinuxNetworking, openLinuxNetworking } from './linux-networking.ts';
import { createMemoryStore } from './memory-store.ts';
import type { NetworkSpec, Sandbox, SandboxRequest } from './networking.ts';
import { emptySettings } from './sandbox/plan.ts';
import { enterTestHost } from './test-host.ts';

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

let counter = 0;
function request(name: string, rest: Partial<SandboxRequest> = {}): SandboxRequest {
  counter++;
  return {
    containerId: counter.toString(16).padStart(64, 'c0ffee'),
    containerName: name,
    hostname: name,
    domainname: '',
    networkMode: 'bridge',
    endpoints: {},
    exposedPorts: [],
    portBindings: {},
    publishAllPorts: false,
    dns: [],
    dnsOptions: [],
    dnsSearch: [],
    extraHosts: [],
    links: [],
    sysctls: {},
    ...rest,
  };
}

function network(name: string, rest: Partial<NetworkSpec> = {}): NetworkSpec {
  return {
    name,
    driver: 'bridge',
    internal: false,
    attachable: false,
    ingress: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: { Driver: 'default', Options: null, Config: [] },
    options: {},
    labels: {},
    configOnly: false,
    ...rest,
  };
}

function namespacePath(sandbox: Sandbox): string {
  assert.equal(sandbox.namespace.kind, 'path');
  return sandbox.namespace.kind === 'path' ? sandbox.namespace.path : '';
}

/** Runs a command in a sandbox; throws where it fails. */
function run(sandbox: Sandbox, ...command: string[]): string {
  return execFileSync('nsenter', [`--net=${namespacePath(sandbox)}`, ...command], { encoding: 'utf8' });
}

/** Asynchronously: its questions are answered by this very process. */
async function runAsync(sandbox: Sandbox, ...command: string[]): Promise<string> {
  const child = spawn('nsenter', [`--net=${namespacePath(sandbox)}`, ...command]);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const { promise, resolve } = Promise.withResolvers<void>();
  child.on('close', () => resolve());
  await promise;
  return output;
}

/** A TCP server inside a sandbox that greets with its name; `ask` returns what a client hears. */
function serve(sandbox: Sandbox, port: number, greeting: string): Promise<{ close(): void }> {
  const { promise, resolve } = Promise.withResolvers<{ close(): void }>();
  const fd = openNamespace(namespacePath(sandbox));
  inNetworkNamespace(fd, () => {
    const server = createServer((socket) => socket.end(greeting));
    server.listen(port, '0.0.0.0', () => resolve(server));
  });
  return promise;
}

function ask(address: string, port: number, from?: Sandbox): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const go = () => {
    const socket = connect({ host: address, port });
    let heard = '';
    socket.setTimeout(700, () => socket.destroy(new Error('timeout')));
    socket.on('data', (chunk) => (heard += chunk));
    socket.on('error', (error) => resolve(`error ${error.message}`));
    socket.on('close', () => resolve(heard));
  };
  if (from) inNetworkNamespace(openNamespace(namespacePath(from)), go);
  else go();
  return promise;
}

describe('the default bridge', () => {
  test('gives an address, a route and a loopback, and takes all of it back', async () => {
    const asked = request('one');
    const sandbox = await networking.openSandbox(asked);
    const endpoint = sandbox.endpoints.bridge!;
    assert.match(endpoint.IPAddress, /^172\.17\.0\.2$/);
    assert.equal(endpoint.MacAddress, '02:42:ac:11:00:02');
    assert.match(run(sandbox, 'ip', 'route'), /default via 172\.17\.0\.1 dev eth0/);
    assert.match(run(sandbox, 'ip', '-4', 'addr', 'show', 'lo'), /127\.0\.0\.1/);
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
    const sandbox = await networking.openSandbox(web);
    const other = await networking.openSandbox(request('other'));
    assert.deepEqual(sandbox.ports, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '81/tcp': null });
    const server = await serve(sandbox, 80, 'hello');
    const gateway = sandbox.endpoints.bridge!.Gateway;
    assert.equal(await ask(sandbox.endpoints.bridge!.IPAddress, 80, other), 'hello');
    assert.equal(await ask('127.0.0.1', 8080), 'hello');
    assert.equal(await ask(gateway, 8080), 'hello');
    assert.equal(await ask(gateway, 8080, other), 'hello');
    assert.equal(await ask(gateway, 8080, sandbox), 'hello');
    server.close();
    await assert.rejects(networking.openSandbox(request('taker', { portBindings: web.portBindings })), {
      message:
        /^driver failed programming external connectivity on endpoint taker \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated \(by container "web"\)$/,
    });
    await networking.closeSandbox(web.containerId);
    assert.match(await ask('127.0.0.1', 8080), /^error/);
    await networking.openSandbox(request('taker', { portBindings: web.portBindings }));
  });

  test('a port that another program holds is refused', async () => {
    const program = createServer();
    const { promise, resolve } = Promise.withResolvers<void>();
    program.listen(8099, '0.0.0.0', resolve);
    await promise;
    const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8099' }] };
    await assert.rejects(networking.openSandbox(request('late', { portBindings })), /address already in use/);
    program.close();
  });
});

describe('a user-defined network', () => {
  test('answers names, aliases and addresses, and nothing of other networks', async () => {
    const { id } = await networking.createNetwork(network('front'));
    await networking.createNetwork(network('back'));
    const settings = { ...emptySettings, Aliases: ['api'] };
    const one = await networking.openSandbox(
      request('alpha', { networkMode: 'front', endpoints: { front: settings } }),
    );
    const two = await networking.openSandbox(request('beta', { networkMode: 'front' }));
    const apart = await networking.openSandbox(request('gamma', { networkMode: 'back' }));
    assert.match(one.resolvConf, /nameserver 127\.0\.0\.11/);
    const lookup = (from: Sandbox, name: string) => runAsync(from, 'python3', '-c', query, name);
    assert.match(await lookup(two, 'alpha'), new RegExp(one.endpoints.front!.IPAddress));
    assert.match(await lookup(two, 'API'), new RegExp(one.endpoints.front!.IPAddress));
    assert.match(await lookup(two, 'alpha.front'), new RegExp(one.endpoints.front!.IPAddress));
    assert.doesNotMatch(await lookup(apart, 'alpha'), new RegExp(one.endpoints.front!.IPAddress));
    assert.match(await ask(one.endpoints.front!.IPAddress, 80, apart), /^error/);
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
    await networking.openSandbox(asked);
    await networking.connect(asked.containerId, 'late', {
      ...emptySettings,
      GwPriority: 5,
      IPAMConfig: { IPv4Address: '10.77.0.9' },
    });
    const joined = networking.sandbox(asked.containerId)!;
    assert.equal(joined.endpoints.late!.IPAddress, '10.77.0.9');
    assert.match(run(joined, 'ip', 'route'), /default via 10\.77\.0\.1 dev eth1/);
    assert.match(joined.resolvConf, /127\.0\.0\.11/);
    await networking.disconnect(asked.containerId, 'late', { force: false });
    const left = networking.sandbox(asked.containerId)!;
    assert.deepEqual(Object.keys(left.endpoints), ['bridge']);
    assert.match(run(left, 'ip', 'route'), /default via 172\.17\.0\.1 dev eth0/);
    assert.doesNotMatch(run(left, 'ip', 'link'), /eth1/);
  });
});

/** A DNS question by hand: the machine's own resolver is not to be asked. */
const query = `
import socket, sys
name = sys.argv[1]
q = bytes.fromhex('123401000001000000000000') + b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0\\0\\1\\0\\1'
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); s.connect(('127.0.0.11', 53)); s.send(q)
a = s.recv(512); print(socket.inet_ntoa(a[-4:]) if a[7] else 'rcode %d' % (a[3] & 15))
t = socket.create_connection(('127.0.0.11', 53), 1); t.send(len(q).to_bytes(2, 'big') + q); b = t.recv(512); assert b[2:] == a or a[3] & 15
`;
