import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { dockerSince, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

function hostDirectory(name: string): string {
  const path = join(engine.daemon.sandbox.directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

describe('volumes', () => {
  test('create, inspect, list, remove', async () => {
    const made = await engine.api('POST', '/volumes/create', { Name: 'one', Labels: { a: 'b' } });
    assert.equal(made.status, 201);
    assert.deepEqual(
      [made.json.Name, made.json.Driver, made.json.Scope, made.json.Labels],
      ['one', 'local', 'local', { a: 'b' }],
    );
    assert.ok(existsSync(made.json.Mountpoint));
    const again = await engine.api('POST', '/volumes/create', { Name: 'one' });
    assert.equal(again.json.Mountpoint, made.json.Mountpoint);
    const named = await engine.api('GET', `/volumes?filters=${encodeURIComponent('{"label":["a=b"]}')}`);
    assert.deepEqual(
      named.json.Volumes.map((v: { Name: string }) => v.Name),
      ['one'],
    );
    assert.equal((await engine.api('DELETE', '/volumes/one')).status, 204);
    assert.equal(existsSync(made.json.Mountpoint), false);
  });

  test('without a name gets 64 hex digits', async () => {
    const made = await engine.api('POST', '/volumes/create', {});
    assert.match(made.json.Name, /^[0-9a-f]{64}$/);
    await engine.api('DELETE', `/volumes/${made.json.Name}`);
  });

  test('in use is not removed, and says by whom', async () => {
    const id = await engine.create({ HostConfig: { Binds: ['held:/x'] } });
    const answer = await engine.api('DELETE', '/volumes/held');
    assert.equal(answer.status, 409);
    assert.match(answer.json.message, new RegExp(`volume is in use - \\[${id}\\]`));
    await engine.remove(id);
    assert.equal((await engine.api('DELETE', '/volumes/held')).status, 204);
  });

  test('force ignores what is not there', async () => {
    assert.equal((await engine.api('DELETE', '/volumes/never?force=1')).status, 204);
  });

  test('keep their content between containers', async () => {
    await engine.sh('echo kept > /v/f', { HostConfig: { Binds: ['keep:/v'] } });
    assert.equal((await engine.sh('cat /v/f', { HostConfig: { Binds: ['keep:/v'] } })).stdout, 'kept\n');
    await engine.api('DELETE', '/volumes/keep');
  });

  test('prune takes anonymous ones alone, unless told all', dockerSince('23.0'), async () => {
    await engine.api('POST', '/volumes/create', { Name: 'named' });
    const anonymous = (await engine.api('POST', '/volumes/create', {})).json.Name;
    const first = await engine.api('POST', '/volumes/prune');
    assert.deepEqual(first.json.VolumesDeleted, [anonymous]);
    const all = await engine.api('POST', `/volumes/prune?filters=${encodeURIComponent('{"all":["true"]}')}`);
    assert.deepEqual(all.json.VolumesDeleted, ['named']);
  });
});

describe('copy-up', () => {
  test('an empty volume takes the image’s files, owners and modes', async () => {
    const out = await engine.sh('cat /data/seed; stat -c %u:%g /data/seed', {
      HostConfig: { Binds: ['seeded:/data'] },
    });
    assert.equal(out.stdout, 'from the image\n1000:1000\n');
    await engine.api('DELETE', '/volumes/seeded');
  });

  test('a volume with content, nocopy, and a bind do not', async () => {
    await engine.sh('rm /v/* ; echo mine > /v/own', { HostConfig: { Binds: ['full:/v'] } });
    assert.equal((await engine.sh('ls /data', { HostConfig: { Binds: ['full:/data'] } })).stdout, 'own\n');
    assert.equal((await engine.sh('ls /data', { HostConfig: { Binds: ['bare:/data:nocopy'] } })).stdout, '');
    const path = hostDirectory('copy-up-bind');
    assert.equal((await engine.sh('ls /data', { HostConfig: { Binds: [`${path}:/data`] } })).stdout, '');
    for (const name of ['full', 'bare']) await engine.api('DELETE', `/volumes/${name}`);
  });

  test('an anonymous volume takes them too, and -v removes it', async () => {
    const id = await engine.started({ Cmd: ['cat', '/data/seed'], Volumes: { '/data': {} } });
    await engine.wait(id);
    assert.equal((await engine.logs(id)).stdout, 'from the image\n');
    const { Mounts } = await engine.inspect(id);
    assert.match(Mounts[0].Name, /^[0-9a-f]{64}$/);
    await engine.remove(id);
    assert.equal((await engine.api('GET', `/volumes/${Mounts[0].Name}`)).status, 404);
  });

  test('removing without v keeps an anonymous volume, with v keeps a named one', async () => {
    const first = await engine.create({ Volumes: { '/a': {} }, HostConfig: { Binds: ['stays:/b'] } });
    const { Mounts } = await engine.inspect(first);
    const anonymous = Mounts.find((mount: { Destination: string }) => mount.Destination === '/a').Name;
    assert.equal((await engine.api('DELETE', `/containers/${first}`)).status, 204);
    assert.equal((await engine.api('GET', `/volumes/${anonymous}`)).status, 200);
    assert.equal((await engine.api('GET', '/volumes/stays')).status, 200);
    for (const name of [anonymous, 'stays']) await engine.api('DELETE', `/volumes/${name}`);
  });
});

describe('binds', () => {
  test('share the host’s files both ways', async () => {
    const path = hostDirectory('both-ways');
    writeFileSync(join(path, 'in'), 'from outside\n');
    const out = await engine.sh('cat /m/in; echo from inside > /m/out', { HostConfig: { Binds: [`${path}:/m`] } });
    assert.equal(out.stdout, 'from outside\n');
    assert.equal(readFileSync(join(path, 'out'), 'utf8'), 'from inside\n');
  });

  test('read-only ones cannot be written', async () => {
    const path = hostDirectory('read-only');
    const out = await engine.sh('touch /m/x', { HostConfig: { Binds: [`${path}:/m:ro`] } });
    assert.match(out.stderr, /Read-only file system/);
  });

  test('-v makes a missing directory, --mount does not', async () => {
    const path = join(engine.daemon.sandbox.directory, 'made-by-bind');
    await engine.sh('true', { HostConfig: { Binds: [`${path}:/m`] } });
    assert.ok(existsSync(path));
  });

  test('of one file', async () => {
    const path = join(hostDirectory('one-file'), 'f');
    writeFileSync(path, 'just this\n');
    assert.equal((await engine.sh('cat /etc/f', { HostConfig: { Binds: [`${path}:/etc/f`] } })).stdout, 'just this\n');
  });

  test('nested targets mount in the order of their paths', async () => {
    const outer = hostDirectory('outer');
    const inner = hostDirectory('inner');
    writeFileSync(join(inner, 'f'), 'inner\n');
    const out = await engine.sh('cat /a/b/f', { HostConfig: { Binds: [`${inner}:/a/b`, `${outer}:/a`] } });
    assert.equal(out.stdout, 'inner\n');
  });

  test('volumes-from takes the mounts of another', async () => {
    const first = await engine.create({ HostConfig: { Binds: ['lent:/lent'] } });
    const out = await engine.sh('echo x > /lent/f && cat /lent/f', { HostConfig: { VolumesFrom: [first] } });
    assert.equal(out.stdout, 'x\n');
    const refused = await engine.sh('touch /lent/g', { HostConfig: { VolumesFrom: [`${first}:ro`] } });
    assert.match(refused.stderr, /Read-only/);
    await engine.remove(first);
    await engine.api('DELETE', '/volumes/lent');
  });
});

describe('mounts', () => {
  for (const [name, mount, script, stdout] of [
    ['volume', { Type: 'volume', Source: 'm1', Target: '/m' }, 'echo ok > /m/f; cat /m/f', 'ok\n'],
    ['anonymous volume', { Type: 'volume', Target: '/m' }, 'touch /m/f && echo ok', 'ok\n'],
    [
      'read-only volume',
      { Type: 'volume', Source: 'm2', Target: '/m', ReadOnly: true },
      'touch /m/f 2>/dev/null || echo refused',
      'refused\n',
    ],
    [
      'volume without copy',
      { Type: 'volume', Source: 'm3', Target: '/data', VolumeOptions: { NoCopy: true } },
      'ls /data',
      '',
    ],
    ['tmpfs', { Type: 'tmpfs', Target: '/m' }, 'grep " /m " /proc/mounts | cut -d" " -f1,3', 'tmpfs tmpfs\n'],
    [
      'tmpfs with size and mode',
      { Type: 'tmpfs', Target: '/m', TmpfsOptions: { SizeBytes: 1048576, Mode: 0o700 } },
      'stat -c %a /m; df -k /m | tail -1 | tr -s " " | cut -d" " -f2',
      '700\n1024\n',
    ],
    ['bind', { Type: 'bind', Source: '/etc', Target: '/m', ReadOnly: true }, 'test -e /m/passwd && echo ok', 'ok\n'],
    [
      'bind, private',
      { Type: 'bind', Source: '/etc', Target: '/m', BindOptions: { Propagation: 'private' } },
      'grep " /m " /proc/self/mountinfo | grep -c "shared:"',
      '0\n',
    ],
  ] as const) {
    test(name, async () => {
      assert.equal((await engine.sh(script, { HostConfig: { Mounts: [mount] } })).stdout, stdout);
      if ('Source' in mount && mount.Type === 'volume') await engine.api('DELETE', `/volumes/${mount.Source}`);
    });
  }

  test('a volume with labels and driver options', async () => {
    const id = await engine.create({
      HostConfig: {
        Mounts: [
          {
            Type: 'volume',
            Source: 'optioned',
            Target: '/m',
            VolumeOptions: {
              Labels: { l: '1' },
              DriverConfig: { Name: 'local', Options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } },
            },
          },
        ],
      },
      Cmd: ['sh', '-c', 'df -k /m | tail -1 | tr -s " " | cut -d" " -f2'],
    });
    await engine.start(id);
    await engine.wait(id);
    assert.equal((await engine.logs(id)).stdout, '1024\n');
    const volume = (await engine.api('GET', '/volumes/optioned')).json;
    assert.deepEqual([volume.Labels, volume.Options.o], [{ l: '1' }, 'size=1m']);
    await engine.remove(id);
    assert.equal((await engine.api('DELETE', '/volumes/optioned')).status, 204);
  });

  test('a subpath of a volume', dockerSince('26.0'), async () => {
    await engine.sh('mkdir /v/sub; echo deep > /v/sub/f', { HostConfig: { Binds: ['tree:/v'] } });
    const mount = { Type: 'volume', Source: 'tree', Target: '/m', VolumeOptions: { Subpath: 'sub' } };
    assert.equal((await engine.sh('cat /m/f', { HostConfig: { Mounts: [mount] } })).stdout, 'deep\n');
    await engine.api('DELETE', '/volumes/tree');
  });

  test('--tmpfs with options', async () => {
    const out = await engine.sh('touch /t/x && grep " /t " /proc/mounts', {
      HostConfig: { Tmpfs: { '/t': 'rw,size=2m,mode=1777' } },
    });
    assert.match(out.stdout, /size=2048k/);
    assert.match(out.stdout, /noexec/);
  });
});

test('a symlink inside the container leads no mount out of it', async () => {
  const path = hostDirectory('symlink-target');
  const id = await engine.started({ Cmd: ['sh', '-c', `rm -rf /data; ln -s ${path} /data`] });
  await engine.wait(id);
  await engine.remove(id);
  assert.deepEqual(existsSync(join(path, 'seed')), false);
});

test('a single file is bound read-only', async () => {
  const id = await engine.create({
    Cmd: ['sh', '-c', 'cat /lines; echo no >/lines'],
    HostConfig: { Binds: [`${file('one line')}:/lines:ro`] },
  });
  await engine.start(id);
  assert.equal(await engine.wait(id), 1);
  const { stdout, stderr } = await engine.logs(id);
  assert.equal(stdout, 'one line');
  assert.match(stderr, /Read-only file system/);
  await engine.remove(id);
});

function file(content: string): string {
  const path = join(engine.daemon.sandbox.directory, 'a-file');
  writeFileSync(path, content);
  return path;
}

test('an anonymous volume tells whose it is, and is pruned when nobody has it', wharfOnly(), async () => {
  const id = await engine.create({ HostConfig: { Binds: ['/scratch'] } }, 'owner');
  const { Mounts } = await engine.inspect(id);
  const { Labels } = (await engine.api('GET', `/volumes/${Mounts[0].Name}`)).json;
  assert.deepEqual(Labels, {
    'com.docker.volume.anonymous': '',
    'wharf.volume.container': 'owner',
    'wharf.volume.image': 'busybox',
    'wharf.volume.destination': '/scratch',
  });
  const prune = `/volumes/prune?filters=${encodeURIComponent('{"label":["wharf.volume.container=owner"]}')}`;
  assert.equal((await engine.api('POST', prune)).json.VolumesDeleted, null);
  await engine.api('DELETE', `/containers/${id}`);
  assert.deepEqual((await engine.api('POST', prune)).json.VolumesDeleted, [Mounts[0].Name]);
});

test('a volume with options is not pruned: others may use what is behind it', async () => {
  const options = { type: 'tmpfs', device: 'tmpfs' };
  await engine.api('POST', '/volumes/create', { Name: 'share', DriverOpts: options, Labels: { only: 'this' } });
  const filters = encodeURIComponent('{"label":["only=this"],"all":["true"]}');
  const first = await engine.api('POST', `/volumes/prune?filters=${filters}`);
  assert.deepEqual(first.json.VolumesDeleted ?? [], []);
  await engine.api('DELETE', '/volumes/share');
});
