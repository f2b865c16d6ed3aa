import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { fetchFromHost, greeter } from '../harness/greeter.ts';
import { run } from '../harness/run.ts';
import { openSandbox } from '../harness/sandbox.ts';
import { dockerSince } from '../harness/target.ts';

const engine = useDaemon();

async function freePort(): Promise<number> {
  return 20_000 + Math.floor(Math.random() * 20_000);
}

/** Says `ping` to a port of 127.0.0.1 until it answers, and prints the answer. */
const udpClient = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (answer) => { process.stdout.write(answer); process.exit(0); });
  const send = () => socket.send('ping\\n', Number(process.argv.at(-1)), '127.0.0.1');
  send();
  setInterval(send, 100);
  setTimeout(() => process.exit(1), 10000);
`;

const udpServer = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (message, from) => socket.send(message, from.port, from.address, () => process.exit(0)));
  socket.bind(9000);
  setTimeout(() => process.exit(1), 10000);
`;

describe('published ports', () => {
  test('on all addresses and on one', async () => {
    const [all, one] = [await freePort(), await freePort()];
    const id = await greeter(engine, 'published', {
      ExposedPorts: { '8080/tcp': {} },
      HostConfig: {
        PortBindings: { '8080/tcp': [{ HostPort: String(all) }, { HostIp: '127.0.0.1', HostPort: String(one) }] },
      },
    });
    const { Gateway, IPAddress } = (await engine.inspect(id)).NetworkSettings.Networks.bridge;
    assert.equal(await fetchFromHost(engine, '127.0.0.1', all), 'published\n');
    assert.equal(await fetchFromHost(engine, Gateway, all), 'published\n');
    assert.equal(await fetchFromHost(engine, '127.0.0.1', one), 'published\n');
    assert.equal(await fetchFromHost(engine, Gateway, one), '');
    assert.equal((await engine.sh(`nc -w 5 ${Gateway} ${all}`)).stdout, 'published\n', 'from a neighbour');
    assert.equal((await engine.exec(id, ['nc', '-w', '5', Gateway, String(all)])).stdout, 'published\n', 'hairpin');
    const { Ports } = (await engine.inspect(id)).NetworkSettings;
    assert.ok(
      Ports['8080/tcp'].some((b: Record<string, string>) => b.HostIp === '0.0.0.0' && b.HostPort === String(all)),
    );
    const [row] = (await engine.api('GET', '/containers/json')).json.filter((c: { Id: string }) => c.Id === id);
    assert.ok(
      row.Ports.some(
        (p: Record<string, unknown>) => p.PublicPort === all && p.PrivatePort === 8080 && p.Type === 'tcp',
      ),
    );
    await engine.remove(id);
    assert.equal(await fetchFromHost(engine, IPAddress, 8080), '');
    assert.equal(await fetchFromHost(engine, '127.0.0.1', all), '');
  });

  test('a port of the daemon’s choice', async () => {
    const id = await greeter(engine, 'anywhere', {
      ExposedPorts: { '8080/tcp': {} },
      HostConfig: { PortBindings: { '8080/tcp': [{}] } },
    });
    const port = Number((await engine.inspect(id)).NetworkSettings.Ports['8080/tcp'][0].HostPort);
    assert.ok(port >= 1024);
    assert.equal(await fetchFromHost(engine, '127.0.0.1', port), 'anywhere\n');
    await engine.remove(id);
  });

  test('PublishAllPorts takes those exposed', async () => {
    const id = await greeter(engine, 'all', {
      ExposedPorts: { '8080/tcp': {} },
      HostConfig: { PublishAllPorts: true },
    });
    const port = Number((await engine.inspect(id)).NetworkSettings.Ports['8080/tcp'][0].HostPort);
    assert.equal(await fetchFromHost(engine, '127.0.0.1', port), 'all\n');
    await engine.remove(id);
  });

  test('a port without a protocol is one of tcp', async () => {
    // Compose before 2.25 writes `8080/` for `expose: ["8080"]`.
    const port = await freePort();
    const id = await greeter(engine, 'bare', {
      ExposedPorts: { '8080/': {}, '8081': {} },
      HostConfig: { PortBindings: { '8080/': [{ HostPort: String(port) }] } },
    });
    assert.equal(await fetchFromHost(engine, '127.0.0.1', port), 'bare\n');
    const { NetworkSettings, Config } = await engine.inspect(id);
    assert.deepEqual(Object.keys(NetworkSettings.Ports).sort(), ['8080/tcp', '8081/tcp']);
    assert.deepEqual(Config.ExposedPorts, { '8080/': {}, '8081': {} });
    const exposing = await engine.api('GET', `/containers/json?filters=${encodeURIComponent('{"expose":["8080"]}')}`);
    assert.deepEqual(
      exposing.json.map((c: { Id: string }) => c.Id),
      [id],
    );
    await engine.remove(id);
  });

  test('udp', async () => {
    const port = await freePort();
    const id = await engine.sleeping({
      ExposedPorts: { '9000/udp': {} },
      HostConfig: { PortBindings: { '9000/udp': [{ HostPort: String(port) }] } },
    });
    const { Pid } = (await engine.inspect(id)).State;
    // busybox speaks no UDP, so the server is ours, in the container's network namespace.
    const { sandbox } = engine.daemon;
    const server = sandbox.run(['nsenter', '-t', String(Pid), '-n', '--', process.execPath, '-e', udpServer]);
    const { stdout } = await engine.daemon.sandbox.run([process.execPath, '-e', udpClient, String(port)]);
    assert.equal(stdout, 'ping\n');
    await server;
    await engine.remove(id);
  });

  test('one in use is refused when the container starts, and works later', async () => {
    const port = await freePort();
    const bindings = {
      ExposedPorts: { '8080/tcp': {} },
      HostConfig: { PortBindings: { '8080/tcp': [{ HostPort: String(port) }] } },
    };
    const first = await engine.sleeping(bindings);
    const second = await engine.create({ Cmd: ['true'], ...bindings });
    const answer = await engine.api('POST', `/containers/${second}/start`);
    assert.equal(answer.status, 500);
    assert.match(answer.json.message, /port is already allocated/);
    assert.match(answer.json.message, new RegExp(`0\\.0\\.0\\.0:${port}`));
    assert.equal((await engine.inspect(second)).State.Running, false);
    await engine.remove(first);
    await engine.start(second);
    await engine.remove(second);
  });

  test('one that another program has is refused', async () => {
    const port = await freePort();
    const holder = engine.daemon.sandbox.run(['busybox', 'nc', '-l', '-p', String(port)], { timeout: 20_000 });
    await engine.daemon.sandbox.run(['sh', '-c', `until busybox netstat -ltn | grep -q :${port}; do :; done`]);
    const id = await engine.create({
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: String(port) }] } },
    });
    const answer = await engine.api('POST', `/containers/${id}/start`);
    assert.equal(answer.status, 500);
    assert.match(answer.json.message, /(address already in use|port is already allocated)/);
    await engine.remove(id);
    await engine.daemon.sandbox.run(['busybox', 'nc', '-w', '1', '127.0.0.1', String(port)]);
    await holder;
  });
});

describe('a host whose own rules drop what is forwarded', () => {
  const rules = `
    table inet firewalld {
      chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state invalid drop; reject with icmpx admin-prohibited }
    }
    table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; } }`;

  test('keeps published ports and the way out, also after they are loaded again', dockerSince('29.0'), async () => {
    const { sandbox } = engine.daemon;
    const outside = await openSandbox();
    try {
      const ends = ['wan', 'netns', `${sandbox.pid}`, 'type', 'veth', 'peer', 'wan', 'netns', `${outside.pid}`];
      await run(['ip', 'link', 'add', ...ends]);
      await sandbox.run(['sh', '-c', 'ip addr add 192.168.80.1/24 dev wan; ip link set wan up']);
      await outside.run(['sh', '-c', 'ip addr add 192.168.80.2/24 dev wan; ip link set wan up']);
      await sandbox.run(['nft', '-f', '-'], { stdin: rules });
      const port = await freePort();
      const HostConfig = { PortBindings: { '8080/tcp': [{ HostPort: String(port) }] } };
      const id = await greeter(engine, 'through', { ExposedPorts: { '8080/tcp': {} }, HostConfig });
      assert.equal((await engine.api('POST', '/networks/create', { Name: 'walled' })).status, 201);
      const ask = () => outside.run(['busybox', 'nc', '-w', '3', '192.168.80.1', String(port)]);
      const passes = async () => {
        const deadline = Date.now() + 5000;
        while ((await ask()).stdout !== 'through\n') assert.ok(Date.now() < deadline, 'the port is not reached');
      };
      await passes();
      const ping = await engine.exec(id, ['ping', '-c', '1', '-W', '3', '192.168.80.2']);
      assert.match(ping.stdout, /1 packets received/);
      await sandbox.run(['sh', '-c', 'nft delete table inet firewalld; nft delete table ip filter']);
      await sandbox.run(['nft', '-f', '-'], { stdin: rules });
      await passes();
      await engine.api('DELETE', `/containers/${id}?force=1`);
      await engine.api('DELETE', '/networks/walled');
      await sandbox.run(['sh', '-c', 'nft delete table inet firewalld; nft delete table ip filter; ip link del wan']);
    } finally {
      await outside.close();
    }
  });
});
