import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { usePlugin } from '../harness/driver-plugin.ts';
import { wharfOnly } from '../harness/target.ts';

const used = usePlugin('plug', 'network-plugin.py');
const { engine } = used;
const docker = engine.docker.bind(engine);
const refused = engine.refused.bind(engine);

async function hostLinks(): Promise<string> {
  return (await engine.daemon.sandbox.run(['ip', '-o', 'link'])).stdout;
}

const sleeper = ['run', '-d', '--stop-signal', 'KILL', '--name', 'pod'];

describe('a network of a plugin', () => {
  test('gives containers its interfaces, addresses of the engine, and its routes', async () => {
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', '-o', 'color=blue', 'net');
    const [create] = used.plugin.calls().filter(({ method }) => method === 'NetworkDriver.CreateNetwork');
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
    used.plugin.calls();
    await docker('network', 'connect', '--alias', 'other', 'net', 'pod');
    assert.match(await docker('exec', 'pod', 'ip', '-o', 'addr', 'show', 'plug0'), / 10\.95\.0\.2\/24 /);
    assert.match(
      await docker('run', '--rm', '--network', 'net', 'busybox', 'ping', '-c1', '-W2', 'other'),
      /10\.95\.0\.2/,
    );
    used.plugin.calls();
    await docker('network', 'disconnect', 'net', 'pod');
    assert.deepEqual(used.plugin.methods().slice(-2), ['Leave', 'DeleteEndpoint']);
    assert.doesNotMatch(await docker('exec', 'pod', 'ip', '-o', 'link'), /plug0/);
    assert.doesNotMatch(await hostLinks(), /pp[0-9a-f]{8}/);
  });

  test('is told of exposed and published ports', async () => {
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', 'net');
    await docker('run', '--rm', '--network', 'net', '-p', '127.0.0.1:8091:80/udp', 'busybox', 'true');
    const programmed = used.plugin.calls().find(({ method }) => method === 'NetworkDriver.ProgramExternalConnectivity');
    const options = programmed!.Options as Record<string, { [field: string]: unknown }[]>;
    const [port] = options['com.docker.network.portmap']!;
    assert.deepEqual([port!.Proto, port!.Port, port!.HostIP, port!.HostPort], [17, 80, '127.0.0.1', 8091]);
  });

  test('is not made, and a container not started, where the plugin fails', async () => {
    used.plugin.fail({ 'NetworkDriver.CreateNetwork': 'no more networks' });
    assert.match(await refused('network', 'create', '-d', 'plug', 'net'), /no more networks/);
    assert.equal(await docker('network', 'ls', '-q', '-f', 'name=net$', '-f', 'driver=plug'), '');
    used.plugin.fail({ 'NetworkDriver.Join': 'not today' });
    await docker('network', 'create', '-d', 'plug', '--subnet', '10.95.0.0/24', 'net');
    used.plugin.calls();
    assert.match(await refused('run', '--network', 'net', '--name', 'pod', 'busybox', 'true'), /not today/);
    assert.ok(used.plugin.methods().includes('DeleteEndpoint'));
    used.plugin.fail({});
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
    const asks = used.plugin.calls();
    const pool = asks.find(({ method }) => method === 'IpamDriver.RequestPool');
    const gateway = asks.find(({ method }) => method === 'IpamDriver.RequestAddress');
    assert.deepEqual([pool!.AddressSpace, pool!.Pool, pool!.Options], ['here', '', { a: 'b' }]);
    assert.deepEqual(gateway!.Options, { RequestAddressType: 'com.docker.network.gateway' });
    const { IPAM } = JSON.parse(await docker('network', 'inspect', 'net'))[0];
    assert.equal(IPAM.Driver, 'plug');
    assert.deepEqual(IPAM.Config[0].Subnet, '10.99.0.0/24');
    assert.match(IPAM.Config[0].Gateway, /^10\.99\.0\.1(\/24)?$/);
    await docker(...sleeper, '--network', 'net', 'busybox', 'sleep', '1000');
    const asked = used.plugin.calls().find(({ method }) => method === 'IpamDriver.RequestAddress');
    assert.match((asked!.Options as Record<string, string>)['com.docker.network.endpoint.macaddress']!, /^02:42:/);
    assert.match(await docker('exec', 'pod', 'ip', '-o', 'addr', 'show', 'eth0'), / 10\.99\.0\.10\/24 /);
    await docker('exec', 'pod', 'ping', '-c1', '-W2', '10.99.0.1');
    await docker('rm', '-f', 'pod');
    await docker('network', 'rm', 'net');
    assert.deepEqual(used.plugin.methods(), ['ReleaseAddress', 'ReleaseAddress', 'ReleasePool']);
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
  await engine.daemon.kill();
  assert.equal((await engine.daemon.sandbox.run(['kill', '-9', pid])).code, 0);
  used.plugin.calls();
  await engine.daemon.start();
  await docker('network', 'rm', '-f', 'net').catch(() => undefined);
  await docker('rm', '-f', 'pod');
  await docker('network', 'rm', 'net').catch(() => undefined);
  const methods = used.plugin.methods();
  for (const wanted of ['Leave', 'DeleteEndpoint', 'ReleaseAddress', 'ReleasePool', 'DeleteNetwork']) {
    assert.ok(methods.includes(wanted), `${wanted} in ${methods.join(' ')}`);
  }
});
