import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { repository, wharfOnly } from '../harness/target.ts';

// Before the daemon's own: it looks for mounts that are left.
after(async () => {
  await engine.daemon.sandbox.run(['umount', '/etc/resolv.conf']);
  servers.kill('SIGKILL');
});

const engine = useDaemon();
let servers: ChildProcess;
const questions: string[] = [];
let resolvConf = '';

before(async () => {
  const { sandbox } = engine.daemon;
  resolvConf = join(sandbox.directory, 'resolv.conf');
  useServers('127.0.0.2');
  assert.equal((await sandbox.run(['mount', '--bind', resolvConf, '/etc/resolv.conf'])).code, 0);
  const [command = '', ...args] = sandbox.enter([
    process.execPath,
    join(repository, 'test/fixtures/name-server.ts'),
    ...['127.0.0.2=192.0.2.2', '127.0.0.3=192.0.2.3', '127.0.0.4=fail', '127.0.0.5=silent'],
  ]);
  servers = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { promise, resolve } = Promise.withResolvers<void>();
  servers.stdout!.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) {
      if (line === 'ready') resolve();
      else questions.push(line);
    }
  });
  await promise;
  for (const [Name, Internal] of [
    ['front', false],
    ['back', false],
    ['cellar', true],
  ] as const) {
    assert.equal((await engine.api('POST', '/networks/create', { Name, Internal })).status, 201);
  }
  await engine.sleeping({ HostConfig: { NetworkMode: 'front' } }, 'web');
  await engine.sleeping({ HostConfig: { NetworkMode: 'front' } }, 'asker');
  await engine.sleeping({ HostConfig: { NetworkMode: 'back' } }, 'stranger');
});

/** What the host's resolv.conf says from now on; the daemon looks at it once a second at most. */
function useServers(...addresses: string[]): void {
  writeFileSync(resolvConf, addresses.map((address) => `nameserver ${address}\n`).join(''));
}

const lookup = (container: string, name: string, type = 'a') =>
  engine.exec(container, ['nslookup', `-type=${type}`, name]);

async function addressesOf(container: string, name: string, type = 'a'): Promise<string[]> {
  const { stdout } = await lookup(container, name, type);
  return [...stdout.matchAll(/^Address(?: \d+)?: ([0-9a-f.:]+)/gm)].map(([, address]) => address!);
}

/** Asks until the answer is that one. */
async function becomes(container: string, name: string, wanted: string): Promise<void> {
  let found: string[] = [];
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    found = await addressesOf(container, name);
    if (found.includes(wanted)) return;
  }
  assert.fail(`${name} is still ${found}`);
}

describe('names of the outside', () => {
  test('come from the host’s servers', async () => {
    assert.deepEqual(await addressesOf('asker', 'first.example'), ['192.0.2.2']);
  });

  test('follow the host’s resolv.conf while the container runs', wharfOnly(), async () => {
    useServers('127.0.0.3');
    await becomes('asker', 'second.example', '192.0.2.3');
    useServers('127.0.0.2');
    await becomes('asker', 'second.example', '192.0.2.2');
  });

  test('come from the next server where one fails, is silent or is not there', wharfOnly(), async () => {
    for (const first of ['127.0.0.4', '127.0.0.5', '127.0.0.6']) {
      useServers(first, '127.0.0.3');
      await becomes('asker', 'third.example', '192.0.2.3');
      useServers('127.0.0.2');
      await becomes('asker', 'third.example', '192.0.2.2');
    }
  });

  test('are unknown inside an internal network, which asks nobody', wharfOnly(), async () => {
    const before = questions.length;
    const { stdout } = await engine.sh('nslookup -type=a fourth.example', { HostConfig: { NetworkMode: 'cellar' } });
    assert.match(stdout, /NXDOMAIN|can't find/);
    assert.deepEqual(questions.slice(before), []);
  });
});

describe('names of containers', () => {
  test('are not asked outside, whatever is asked about them', async () => {
    const before = questions.length;
    const [address = ''] = await addressesOf('asker', 'web');
    assert.match(address, /^\d/);
    for (const type of ['aaaa', 'mx']) await lookup('asker', 'web', type);
    assert.match((await engine.exec('asker', ['nslookup', address])).stdout, /web\.front/);
    assert.deepEqual(
      questions.slice(before).filter((line) => !line.endsWith(' 15')),
      [],
    );
  });

  test('are not known on another network, nor are addresses', async () => {
    const [address = ''] = await addressesOf('asker', 'web');
    assert.notEqual((await lookup('stranger', 'web')).code, 0);
    assert.doesNotMatch((await engine.exec('stranger', ['nslookup', address])).stdout, /web/);
    assert.notEqual((await lookup('stranger', 'web.front')).stdout.includes(address), true);
  });

  test('are found nowhere but at the container’s own server', async () => {
    const { Gateway } = (await engine.inspect('asker')).NetworkSettings.Networks.front;
    for (const server of [Gateway, (await addressesOf('asker', 'web'))[0]]) {
      const { code } = await engine.exec('stranger', ['timeout', '2', 'nslookup', '-type=a', 'web', server]);
      assert.notEqual(code, 0, server);
    }
  });

  test('that several have take turns', async () => {
    const spec = {
      HostConfig: { NetworkMode: 'front' },
      NetworkingConfig: { EndpointsConfig: { front: { Aliases: ['crew'] } } },
    };
    const crew = await Promise.all([1, 2, 3].map(() => engine.sleeping(spec)));
    const firsts = new Set<string>();
    for (let round = 0; round < 60 && firsts.size < 3; round++) {
      const addresses = await addressesOf('asker', 'crew');
      assert.equal(new Set(addresses).size, 3);
      firsts.add(addresses[0]!);
    }
    assert.equal(firsts.size, 3);
    for (const id of crew) await engine.remove(id);
    assert.notEqual((await lookup('asker', 'crew')).code, 0);
  });
});
