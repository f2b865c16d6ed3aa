import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { removeEverything, useDaemon } from '../harness/fixture.ts';
import { dockerSince, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
afterEach(async () => {
  await removeEverything(engine.daemon);
  await engine.api('DELETE', '/volumes/vol');
});

function hostDirectory(name: string): string {
  const path = join(engine.daemon.sandbox.directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

async function make(DriverOpts: Record<string, string>): Promise<string> {
  const { status, json } = await engine.api('POST', '/volumes/create', { Name: 'vol', DriverOpts });
  assert.equal(status, 201, json.message);
  return json.Mountpoint;
}

const mounted = { HostConfig: { Binds: ['vol:/v'] } };

/** Whether something is mounted there, in the daemon's namespace. */
async function isMounted(path: string): Promise<boolean> {
  const { stdout } = await engine.daemon.sandbox.run(['cat', '/proc/self/mounts']);
  return stdout.split('\n').some((line) => line.split(' ')[1] === path);
}

describe('a volume of', () => {
  test('a directory', async () => {
    const device = hostDirectory('device');
    writeFileSync(join(device, 'f'), 'from the host\n');
    await make({ type: 'none', device, o: 'bind' });
    assert.equal((await engine.sh('cat /v/f; echo back > /v/g', mounted)).stdout, 'from the host\n');
    assert.equal(readFileSync(join(device, 'g'), 'utf8'), 'back\n');
  });

  test('a directory, read-only', async () => {
    await make({ type: 'none', device: hostDirectory('read-only'), o: 'bind,ro' });
    assert.match((await engine.sh('touch /v/f', mounted)).stderr, /Read-only file system/);
  });

  test('memory, with its size and owner', async () => {
    await make({ type: 'tmpfs', device: 'tmpfs', o: 'size=2m,uid=1000,mode=700,noexec' });
    const script =
      'stat -c %u:%a /v; df -k /v | tail -1 | tr -s " " | cut -d" " -f2; grep -o noexec /proc/mounts | head -1';
    assert.equal((await engine.sh(script, mounted)).stdout, '1000:700\n2048\nnoexec\n');
  });

  test('layers over each other', async () => {
    const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => hostDirectory(`overlay/${name}`));
    writeFileSync(join(lower!, 'f'), 'below\n');
    await make({ type: 'overlay', device: 'overlay', o: `lowerdir=${lower},upperdir=${upper},workdir=${work}` });
    assert.equal((await engine.sh('cat /v/f; echo above > /v/f', mounted)).stdout, 'below\n');
    assert.equal(readFileSync(join(lower!, 'f'), 'utf8'), 'below\n');
    assert.equal((await engine.sh('cat /v/f', mounted)).stdout, 'above\n');
  });

  test('memory takes no files of the image: they would be gone at its start', async () => {
    await make({ type: 'tmpfs', device: 'tmpfs' });
    const id = await engine.create({ Cmd: ['cat', '/data/seed'], HostConfig: { Binds: ['vol:/data'] } });
    await engine.start(id);
    await engine.wait(id);
    assert.match((await engine.logs(id)).stderr, /No such file/);
  });
});

describe('what it names', () => {
  test('is mounted while somebody runs, once for all', async () => {
    const mountpoint = await make({ type: 'tmpfs', device: 'tmpfs' });
    assert.equal(await isMounted(mountpoint), false);
    const first = await engine.sleeping(mounted);
    const second = await engine.sleeping(mounted);
    await engine.exec(first, ['sh', '-c', 'echo shared > /v/f']);
    assert.equal((await engine.exec(second, ['cat', '/v/f'])).stdout, 'shared\n');
    await engine.remove(first);
    assert.equal((await engine.exec(second, ['cat', '/v/f'])).stdout, 'shared\n');
    assert.equal(await isMounted(mountpoint), true);
    await engine.remove(second);
    assert.equal(await isMounted(mountpoint), false);
  });

  test('stays mounted for those that run while the daemon is down', wharfOnly(), async () => {
    const mountpoint = await make({ type: 'tmpfs', device: 'tmpfs' });
    const id = await engine.sleeping(mounted);
    await engine.exec(id, ['sh', '-c', 'echo kept > /v/f']);
    await engine.daemon.kill();
    await engine.daemon.start();
    assert.equal((await engine.exec(id, ['cat', '/v/f'])).stdout, 'kept\n');
    assert.equal((await engine.sh('cat /v/f', mounted)).stdout, 'kept\n');
    await engine.remove(id);
    assert.equal(await isMounted(mountpoint), false);
  });

  test('and is not there says so at the start, which leaves nothing', async () => {
    const mountpoint = await make({ type: 'none', device: '/nowhere/at/all', o: 'bind' });
    const { status, json } = await engine.api('POST', '/containers/create', { Image: 'busybox', ...mounted });
    const message =
      status === 201 ? (await engine.api('POST', `/containers/${json.Id}/start`)).json.message : json.message;
    assert.match(
      message,
      /error while mounting volume '.*_data': failed to mount local volume: mount \/nowhere\/at\/all:.*_data, flags: 0x1000: no such file or directory/,
    );
    assert.equal(await isMounted(mountpoint), false);
  });

  test('keeps its password out of errors', dockerSince('24.0'), async () => {
    await make({ type: 'cifs', device: '//127.0.0.1/x', o: 'addr=127.0.0.1,username=me,password=hush' });
    const { status, json } = await engine.api('POST', '/containers/create', { Image: 'busybox', ...mounted });
    const message =
      status === 201 ? (await engine.api('POST', `/containers/${json.Id}/start`)).json.message : json.message;
    assert.match(
      message,
      /failed to mount local volume: mount \/\/127.0.0.1\/x:.*_data, data: addr=127.0.0.1,username=me/,
    );
    assert.doesNotMatch(message, /hush/);
  });

  test('and has a name that nobody knows says so', async () => {
    await make({ type: 'nfs', device: ':/share', o: 'addr=nobody.invalid,ro' });
    const { status, json } = await engine.api('POST', '/containers/create', { Image: 'busybox', ...mounted });
    const message =
      status === 201 ? (await engine.api('POST', `/containers/${json.Id}/start`)).json.message : json.message;
    assert.match(message, /error resolving passed in network volume address/);
  });
});

describe('refuses', () => {
  for (const [what, DriverOpts, message] of [
    ['an option that it does not know', { color: 'blue' }, /create vol: invalid option: "color"/],
    ['a type without a device', { type: 'tmpfs' }, /create vol: missing required option: "device"/],
    ['a device without a type', { device: '/x' }, /create vol: missing required option: "type"/],
    ['a size where the file system has no quota', { size: '1g' }, /quota size requested but no quota support/],
  ] as const) {
    test(what, async () => {
      const { status, json } = await engine.api('POST', '/volumes/create', { Name: 'vol', DriverOpts });
      assert.ok(status >= 400);
      assert.match(json.message, message);
      assert.equal((await engine.api('GET', '/volumes/vol')).status, 404);
    });
  }
});
