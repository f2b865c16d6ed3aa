import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { fetchFromHost, greeter } from '../harness/greeter.ts';
import { dockerSince, target } from '../harness/target.ts';

const engine = useDaemon();

async function createNetwork(request: Record<string, unknown>): Promise<string> {
  const answer = await engine.api('POST', '/networks/create', request);
  assert.equal(answer.status, 201, answer.text);
  return answer.json.Id;
}

test('three networks are there from the start', async () => {
  const networks = (await engine.api('GET', '/networks')).json;
  const known = networks.map((n: { Name: string; Driver: string }) => `${n.Name}/${n.Driver}`).toSorted();
  assert.deepEqual(known, ['bridge/bridge', 'host/host', 'none/null']);
});

describe('bridge', () => {
  test('a container has an address, a route, and reaches the host and its neighbours', async () => {
    const first = await greeter(engine, 'hello');
    const { Networks } = (await engine.inspect(first)).NetworkSettings;
    const { IPAddress, Gateway, IPPrefixLen, MacAddress, NetworkID, EndpointID } = Networks.bridge;
    assert.match(IPAddress, /^\d+\.\d+\.\d+\.\d+$/);
    assert.ok(IPPrefixLen >= 16 && Gateway !== '' && NetworkID !== '' && EndpointID !== '');
    assert.match(MacAddress, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.equal(await fetchFromHost(engine, IPAddress, 8080), 'hello\n');
    assert.equal((await engine.sh(`nc -w 5 ${IPAddress} 8080`)).stdout, 'hello\n');
    assert.equal(
      (
        await engine.sh(
          `ip route | grep -c "default via ${Gateway}"; ping -c1 -W2 ${Gateway} | grep -c "1 packets received"`,
        )
      ).stdout,
      '1\n1\n',
    );
    await engine.remove(first);
  });

  test('addresses are given back', async () => {
    const addresses = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const id = await engine.sleeping();
      addresses.add((await engine.inspect(id)).NetworkSettings.Networks.bridge.IPAddress);
      await engine.remove(id);
    }
    assert.ok(addresses.size >= 1);
  });

  test('after the end, an endpoint has no address', async () => {
    const id = await engine.started({ Cmd: ['true'] });
    await engine.wait(id);
    const { IPAddress, EndpointID } = (await engine.inspect(id)).NetworkSettings.Networks.bridge;
    assert.deepEqual([IPAddress, EndpointID], ['', '']);
    await engine.remove(id);
  });
});

test('none: loopback alone', async () => {
  const out = await engine.sh('ls /sys/class/net; ip -o link | wc -l', { HostConfig: { NetworkMode: 'none' } });
  assert.equal(out.stdout.trim().split('\n').at(-1)!.trim(), '1');
});

test('host: the host’s own interfaces and name', async () => {
  const id = await greeter(engine, 'on the host', { HostConfig: { NetworkMode: 'host' } });
  assert.equal(await fetchFromHost(engine, '127.0.0.1', 8080), 'on the host\n');
  await engine.remove(id);
});

test('container: shares the namespace of another', async () => {
  const first = await greeter(engine, 'shared');
  const mode = { HostConfig: { NetworkMode: `container:${first}` } };
  assert.equal((await engine.sh('nc -w 5 127.0.0.1 8080', mode)).stdout, 'shared\n');
  const clash = await engine.api('POST', '/containers/create', { Image: 'busybox', Hostname: 'x', ...mode });
  assert.match(clash.json.message, /conflicting options: hostname and the network mode/i);
  await engine.remove(first);
});

describe('user-defined networks', () => {
  test('resolve names, aliases and short ids; the default bridge does not', async () => {
    const network = await createNetwork({ Name: 'apps' });
    const server = await greeter(
      engine,
      'by name',
      { HostConfig: { NetworkMode: 'apps' }, NetworkingConfig: { EndpointsConfig: { apps: { Aliases: ['api'] } } } },
      'server',
    );
    for (const name of ['server', 'api', server.slice(0, 12)]) {
      const out = await engine.sh(`nc -w 5 ${name} 8080`, { HostConfig: { NetworkMode: 'apps' } });
      assert.equal(out.stdout, 'by name\n', name);
    }
    assert.match(
      (await engine.sh('cat /etc/resolv.conf', { HostConfig: { NetworkMode: 'apps' } })).stdout,
      /^nameserver 127\.0\.0\.11$/m,
    );
    assert.notEqual((await engine.sh('nc -w 1 server 8080')).code, 0);
    assert.notEqual((await engine.sh('nslookup does-not-exist', { HostConfig: { NetworkMode: 'apps' } })).code, 0);
    await engine.remove(server);
    assert.equal((await engine.api('DELETE', `/networks/${network}`)).status, 204);
  });

  test('are apart from each other', async () => {
    const left = await createNetwork({ Name: 'left' });
    const right = await createNetwork({ Name: 'right' });
    const server = await greeter(engine, 'left only', { HostConfig: { NetworkMode: 'left' } });
    const address = (await engine.inspect(server)).NetworkSettings.Networks.left.IPAddress;
    const out = await engine.sh(`nc -w 2 ${address} 8080`, { HostConfig: { NetworkMode: 'right' } });
    assert.notEqual(out.stdout, 'left only\n');
    await engine.remove(server);
    for (const id of [left, right]) await engine.api('DELETE', `/networks/${id}`);
  });

  test('connect and disconnect a running container', async () => {
    const network = await createNetwork({ Name: 'later' });
    const id = await engine.sleeping({}, 'joins-later');
    assert.equal(
      (await engine.api('POST', `/networks/later/connect`, { Container: id, EndpointConfig: { Aliases: ['nick'] } }))
        .status,
      200,
    );
    const { Networks } = (await engine.inspect(id)).NetworkSettings;
    assert.deepEqual(Object.keys(Networks).toSorted(), ['bridge', 'later']);
    assert.match((await engine.exec(id, ['ip', '-4', '-o', 'addr'])).stdout, new RegExp(Networks.later.IPAddress));
    const out = await engine.sh('ping -c1 -W2 nick', { HostConfig: { NetworkMode: 'later' } });
    assert.equal(out.code, 0, out.stderr + out.stdout);
    assert.equal((await engine.api('POST', `/networks/later/disconnect`, { Container: id })).status, 200);
    assert.deepEqual(Object.keys((await engine.inspect(id)).NetworkSettings.Networks), ['bridge']);
    assert.equal((await engine.api('POST', `/networks/later/disconnect`, { Container: id })).status >= 400, true);
    await engine.remove(id);
    await engine.api('DELETE', `/networks/${network}`);
  });

  test('have the pool, address, label and option that were asked for', async () => {
    const id = await createNetwork({
      Name: 'planned',
      Labels: { l: '1' },
      Options: { 'com.docker.network.driver.mtu': '1400' },
      IPAM: { Config: [{ Subnet: '10.123.45.0/24', Gateway: '10.123.45.254', IPRange: '10.123.45.128/25' }] },
    });
    const { json } = await engine.api('GET', '/networks/planned');
    assert.equal(json.Id, id);
    assert.deepEqual(json.IPAM.Config[0].Subnet, '10.123.45.0/24');
    assert.deepEqual([json.Labels, json.Driver, json.Scope], [{ l: '1' }, 'bridge', 'local']);
    const container = await engine.sleeping({
      HostConfig: { NetworkMode: 'planned' },
      NetworkingConfig: { EndpointsConfig: { planned: { IPAMConfig: { IPv4Address: '10.123.45.7' } } } },
    });
    assert.match((await engine.exec(container, ['ip', '-o', 'addr'])).stdout, /10\.123\.45\.7\/24/);
    assert.match((await engine.exec(container, ['ip', 'route'])).stdout, /default via 10\.123\.45\.254/);
    assert.match((await engine.exec(container, ['ip', 'link'])).stdout, /mtu 1400/);
    const second = await engine.sleeping({ HostConfig: { NetworkMode: 'planned' } });
    const address = (await engine.inspect(second)).NetworkSettings.Networks.planned.IPAddress;
    assert.ok(Number(address.split('.')[3]) >= 128, address);
    const held = (await engine.api('GET', '/networks/planned')).json.Containers;
    assert.equal(held[container].IPv4Address, '10.123.45.7/24');
    const busy = await engine.api('DELETE', '/networks/planned');
    assert.equal(busy.status, 403);
    assert.match(busy.json.message, /has active endpoints/);
    for (const each of [container, second]) await engine.remove(each);
    assert.equal((await engine.api('DELETE', '/networks/planned')).status, 204);
  });

  test('an internal one has no way out', dockerSince('27.0'), async () => {
    await createNetwork({ Name: 'inside', Internal: true });
    const out = await engine.sh('ip route | grep default', { HostConfig: { NetworkMode: 'inside' } });
    assert.equal(out.stdout, '');
    await engine.api('DELETE', '/networks/inside');
  });

  for (const [name, request, status, message] of [
    [
      'a name that is taken',
      { Name: 'bridge' },
      [403, 409],
      /(network with name bridge already exists|operation is not permitted on predefined bridge network)/,
    ],
    [
      'a driver that is none',
      { Name: 'x', Driver: 'dream' },
      [400, 404],
      /(plugin "dream" not found|could not find plugin dream|unknown driver)/i,
    ],
    [
      'a subnet that is none',
      { Name: 'x', IPAM: { Config: [{ Subnet: 'nonsense' }] } },
      [400, 500],
      /(invalid|nonsense)/,
    ],
    [
      'a gateway outside the subnet',
      { Name: 'x', IPAM: { Config: [{ Subnet: '10.99.0.0/24', Gateway: '10.98.0.1' }] } },
      [400, 403, 500],
      /(no matching subnet for gateway 10\.98\.0\.1|10\.98\.0\.1)/,
    ],
  ] as const) {
    test(`create refuses ${name}`, async () => {
      const answer = await engine.api('POST', '/networks/create', request);
      assert.ok((status as readonly number[]).includes(answer.status), `${answer.status} ${answer.text}`);
      assert.match(answer.json.message, message);
    });
  }

  test('a subnet that overlaps another’s is refused', async () => {
    await createNetwork({ Name: 'first', IPAM: { Config: [{ Subnet: '10.77.0.0/16' }] } });
    const answer = await engine.api('POST', '/networks/create', {
      Name: 'second',
      IPAM: { Config: [{ Subnet: '10.77.1.0/24' }] },
    });
    assert.equal(answer.status, 403);
    assert.match(answer.json.message, /Pool overlaps with other one on this address space/);
    await engine.api('DELETE', '/networks/first');
  });

  test('a predefined one is not removed', async () => {
    const answer = await engine.api('DELETE', '/networks/bridge');
    assert.equal(answer.status, 403);
    assert.match(answer.json.message, /bridge is a pre-defined network and cannot be removed/);
  });

  test('prune removes unused ones', async () => {
    await createNetwork({ Name: 'unused' });
    const answer = await engine.api('POST', '/networks/prune');
    assert.deepEqual(answer.json.NetworksDeleted, ['unused']);
  });

  test(
    'forty of them at once, where docker’s pools end at thirty',
    target === 'docker' ? { skip: true } : {},
    async () => {
      const ids = await Promise.all(Array.from({ length: 40 }, (_, index) => createNetwork({ Name: `many-${index}` })));
      await Promise.all(ids.map((id) => engine.api('DELETE', `/networks/${id}`)));
    },
  );
});

describe('files of the network', () => {
  test('/etc/hosts, hostname and resolv.conf say what was asked for', async () => {
    const out = await engine.sh('cat /etc/hosts; echo --; hostname; cat /etc/hostname; echo --; cat /etc/resolv.conf', {
      Hostname: 'box',
      Domainname: 'example.test',
      HostConfig: {
        ExtraHosts: ['friend:10.1.2.3'],
        Dns: ['10.9.9.9'],
        DnsSearch: ['search.test'],
        DnsOptions: ['ndots:3'],
      },
    });
    const [hosts, names, resolver] = out.stdout.split('--\n');
    assert.match(hosts!, /^127\.0\.0\.1\s+localhost$/m);
    assert.match(hosts!, /^10\.1\.2\.3\s+friend$/m);
    assert.match(hosts!, /^\d+\.\d+\.\d+\.\d+\s+box\.example\.test box$/m);
    assert.match(names!, /^box(\.example\.test)?\nbox(\.example\.test)?\n$/);
    assert.match(resolver!, /nameserver 10\.9\.9\.9/);
    assert.match(resolver!, /search search\.test/);
    assert.match(resolver!, /options ndots:3/);
  });

  test('the hostname is the short id unless told', async () => {
    const id = await engine.started({ Cmd: ['hostname'] });
    await engine.wait(id);
    assert.equal((await engine.logs(id)).stdout, `${id.slice(0, 12)}\n`);
    await engine.remove(id);
  });

  test('host-gateway is the host', dockerSince('20.10'), async () => {
    const out = await engine.sh('grep outside /etc/hosts', { HostConfig: { ExtraHosts: ['outside:host-gateway'] } });
    assert.match(out.stdout, /^\d+\.\d+\.\d+\.\d+\s+outside$/m);
  });

  test('links give names on the default bridge', async () => {
    const first = await greeter(engine, 'linked', {}, 'linked-to');
    const out = await engine.sh('nc -w 5 other 8080', { HostConfig: { Links: ['linked-to:other'] } });
    assert.equal(out.stdout, 'linked\n');
    await engine.remove(first);
  });

  test('a MAC address of one’s own', dockerSince('20.10'), async () => {
    const out = await engine.sh('cat /sys/class/net/eth0/address', {
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: '02:42:aa:bb:cc:dd' } } },
      MacAddress: '02:42:aa:bb:cc:dd',
    });
    assert.equal(out.stdout, '02:42:aa:bb:cc:dd\n');
  });
});
