import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { PluginProcess } from '../harness/plugin-process.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

interface Call {
  readonly method: string;
  readonly [field: string]: unknown;
}

class Plugin extends PluginProcess<Call> {
  /** Errors by the names of calls. */
  fail(failures: Record<string, string>): void {
    writeFileSync(join(this.directory, 'failures'), JSON.stringify(failures));
  }

  /** Those of the plugin's two kinds, in order. */
  methods(): string[] {
    return this.calls().map(({ method }) => method.replace(/^(NetworkDriver|IpamDriver)\./, ''));
  }
}

let sandbox: Sandbox;
let daemon: Daemon;
let plugin: Plugin;

before(async () => {
  sandbox = await openSandbox();
  plugin = new Plugin({
    sandbox,
    script: 'network-plugin.py',
    socket: '/run/docker/plugins/plug.sock',
    directory: join(sandbox.directory, 'plugin'),
  });
  plugin.fail({});
  await plugin.start();
  daemon = new Daemon(sandbox);
  await daemon.start();
  await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
});
afterEach(async () => {
  plugin.fail({});
  await removeEverything(daemon);
  plugin.calls();
});
after(async () => {
  await daemon.stop();
  await plugin.stop();
  await sandbox.close();
});

async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon.docker(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await daemon.docker(args);
  assert.notEqual(code, 0, args.join(' '));
  return stderr;
}

async function hostLinks(): Promise<string> {
  return (await sandbox.run(['ip', '-o', 'link'])).stdout;
}

const sleeper = ['run', '-d', '--stop-signal', 'KILL', '--name', 'pod'];

describe('a network of a plugin', () => {
  test('gives containers its interfaces, addresses of the engine, and its routes', async () => {
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', '-o', 'color=blue', 'net');
    const [create] = plugin.calls().filter(({ method }) => method === 'NetworkDriver.CreateNetwork');
    assert.deepEqual(create!.Options, {
      ...(create!.Options as object),
      'com.docker.network.generic': { color: 'blue' },
    });
    const [v4] = create!.IPv4Data as { Pool: string; Gateway: string }[];
    assert.deepEqual([v4!.Pool, v4!.Gateway], ['10.95.0.0/24', '10.95.0.1/24']);
    await docker(...sleeper, '--network', 'net', 'busybox', 'sleep', '1000');
    const inside = await docker('exec', 'pod', 'ip', '-4', '-o', 'addr', 'show', 'plug0');
    assert.match(inside, / 10\.95\.0\.2\/24 /);
    const routes = await docker('exec', 'pod', 'ip', 'route');
    assert.match(routes, /^default via 10\.95\.0\.1 dev plug0/m);
    assert.match(routes, /^10\.96\.0\.0\/16 via 10\.95\.0\.1 dev plug0/m);
    assert.match(routes, /^10\.97\.0\.0\/16 dev plug0/m);
    await docker('exec', 'pod', 'ping', '-c1', '-W2', '10.95.0.1');
    const at = '.NetworkSettings.Networks.net';
    const seen = await docker('inspect', '-f', `{{${at}.IPAddress}} {{${at}.MacAddress}} {{${at}.Gateway}}`, 'pod');
    const mac = await docker('exec', 'pod', 'cat', '/sys/class/net/plug0/address');
    assert.match(mac, /^02:99:/);
    assert.equal(seen, `10.95.0.2 ${mac} 10.95.0.1`);
    await docker('rm', '-f', 'pod');
    assert.doesNotMatch(await hostLinks(), /pp[0-9a-f]{8}/);
    await docker('network', 'rm', 'net');
    assert.doesNotMatch(await hostLinks(), /plug[0-9a-f]{8}/);
  });

  test('may give the addresses itself, with no IPAM driver', async () => {
    await docker('network', 'create', '-d', 'plug', '--ipam-driver', 'null', 'net');
    assert.match(await docker('run', '--rm', '--network', 'net', 'busybox', 'ip', '-o', 'addr'), / 10\.98\.0\.3\/24 /);
  });

  test('has names, and takes and loses running containers', async () => {
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', 'net');
    await docker(...sleeper, 'busybox', 'sleep', '1000');
    plugin.calls();
    await docker('network', 'connect', '--alias', 'other', 'net', 'pod');
    assert.match(await docker('exec', 'pod', 'ip', '-o', 'addr', 'show', 'plug0'), / 10\.95\.0\.2\/24 /);
    assert.match(
      await docker('run', '--rm', '--network', 'net', 'busybox', 'ping', '-c1', '-W2', 'other'),
      /10\.95\.0\.2/,
    );
    plugin.calls();
    await docker('network', 'disconnect', 'net', 'pod');
    assert.deepEqual(plugin.methods().slice(-2), ['Leave', 'DeleteEndpoint']);
    assert.doesNotMatch(await docker('exec', 'pod', 'ip', '-o', 'link'), /plug0/);
    assert.doesNotMatch(await hostLinks(), /pp[0-9a-f]{8}/);
  });

  test('is told of exposed and published ports', async () => {
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', 'net');
    await docker('run', '--rm', '--network', 'net', '-p', '127.0.0.1:8091:80/udp', 'busybox', 'true');
    const programmed = plugin.calls().find(({ method }) => method === 'NetworkDriver.ProgramExternalConnectivity');
    const options = programmed!.Options as Record<string, { [field: string]: unknown }[]>;
    const [port] = options['com.docker.network.portmap']!;
    assert.deepEqual([port!.Proto, port!.Port, port!.HostIP, port!.HostPort], [17, 80, '127.0.0.1', 8091]);
  });

  test('is not made, and a container not started, where the plugin fails', async () => {
    plugin.fail({ 'NetworkDriver.CreateNetwork': 'no more networks' });
    assert.match(await refused('network', 'create', '-d', 'plug', 'net'), /no more networks/);
    assert.equal(await docker('network', 'ls', '-q', '-f', 'name=net$', '-f', 'driver=plug'), '');
    plugin.fail({ 'NetworkDriver.Join': 'not today' });
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', 'net');
    plugin.calls();
    assert.match(await refused('run', '--network', 'net', '--name', 'pod', 'busybox', 'true'), /not today/);
    assert.ok(plugin.methods().includes('DeleteEndpoint'));
    plugin.fail({});
    await docker('start', '-a', 'pod');
  });

  test('needs its plugin', async () => {
    assert.match(await refused('network', 'create', '-d', 'nobody', 'net'), /plugin "nobody" not found/);
    assert.match(await refused('network', 'create', '--ipam-driver', 'nobody', 'net'), /plugin "nobody" not found/);
    assert.match(await refused('network', 'create', '--ipam-driver', 'null', 'net'), /ipv4 pool is empty/);
  });
});

describe('addresses of a plugin', () => {
  test('are requested for the gateway and each endpoint, and given back', async () => {
    await docker('network', 'create', '--ipam-driver', 'plug', '--ipam-opt', 'a=b', 'net');
    const asks = plugin.calls();
    const pool = asks.find(({ method }) => method === 'IpamDriver.RequestPool');
    const gateway = asks.find(({ method }) => method === 'IpamDriver.RequestAddress');
    assert.deepEqual([pool!.AddressSpace, pool!.Pool, pool!.Options], ['here', '', { a: 'b' }]);
    assert.deepEqual(gateway!.Options, { RequestAddressType: 'com.docker.network.gateway' });
    const { IPAM } = JSON.parse(await docker('network', 'inspect', 'net'))[0];
    assert.equal(IPAM.Driver, 'plug');
    assert.deepEqual(IPAM.Config[0].Subnet, '10.99.0.0/24');
    assert.match(IPAM.Config[0].Gateway, /^10\.99\.0\.1(\/24)?$/);
    await docker(...sleeper, '--network', 'net', 'busybox', 'sleep', '1000');
    const asked = plugin.calls().find(({ method }) => method === 'IpamDriver.RequestAddress');
    assert.match((asked!.Options as Record<string, string>)['com.docker.network.endpoint.macaddress']!, /^02:42:/);
    assert.match(await docker('exec', 'pod', 'ip', '-o', 'addr', 'show', 'eth0'), / 10\.99\.0\.10\/24 /);
    await docker('exec', 'pod', 'ping', '-c1', '-W2', '10.99.0.1');
    await docker('rm', '-f', 'pod');
    await docker('network', 'rm', 'net');
    assert.deepEqual(plugin.methods(), ['ReleaseAddress', 'ReleaseAddress', 'ReleasePool']);
  });

  test('may be chosen by the user within the subnet, and are refused when taken', async () => {
    await docker('network', 'create', '--ipam-driver', 'plug', '--subnet', '10.94.0.0/24', 'net');
    await docker(...sleeper, '--network', 'net', '--ip', '10.94.0.77', 'busybox', 'sleep', '1000');
    assert.match(await docker('exec', 'pod', 'ip', '-o', 'addr', 'show', 'eth0'), / 10\.94\.0\.77\/24 /);
    const second = await refused('run', '--rm', '--network', 'net', '--ip', '10.94.0.77', 'busybox', 'true');
    assert.match(second, /the address is in use/);
  });
});

test('a daemon that is killed gives back what its containers had of a plugin', wharfOnly(), async () => {
  await docker('network', 'create', '-d', 'plug', '--ipam-driver', 'plug', 'net');
  await docker(...sleeper, '--network', 'net', 'busybox', 'sleep', '1000');
  const pid = await docker('inspect', '-f', '{{.State.Pid}}', 'pod');
  await daemon.kill();
  assert.equal((await sandbox.run(['kill', '-9', pid])).code, 0);
  plugin.calls();
  await daemon.start();
  await docker('network', 'rm', '-f', 'net').catch(() => undefined);
  await docker('rm', '-f', 'pod');
  await docker('network', 'rm', 'net').catch(() => undefined);
  const methods = plugin.methods();
  for (const wanted of ['Leave', 'DeleteEndpoint', 'ReleaseAddress', 'ReleasePool', 'DeleteNetwork']) {
    assert.ok(methods.includes(wanted), `${wanted} in ${methods.join(' ')}`);
  }
});
