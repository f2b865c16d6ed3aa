import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { usePlugin } from '../harness/driver-plugin.ts';
import { removeEverything } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const used = usePlugin('vol', 'volume-plugin.py');
const { engine } = used;
const docker = engine.docker.bind(engine);
const refused = engine.refused.bind(engine);

afterEach(async () => {
  for (const name of (await docker('volume', 'ls', '-q')).split('\n').filter(Boolean)) {
    await docker('volume', 'rm', name);
  }
  used.plugin.calls();
});

function place(volume: string): string {
  return join(used.plugin.directory, 'volumes', volume);
}

/** Calls that change something, in order. */
function changes(): string[] {
  return used.plugin.methods().filter((method) => ['Create', 'Remove', 'Mount', 'Unmount'].includes(method));
}

describe('a volume of a plugin', () => {
  test('is made with its options, described by the plugin, and removed there', async () => {
    await docker('volume', 'create', '-d', 'vol', '-o', 'color=blue', '--label', 'a=b', 'data');
    const create = used.plugin.calls().find(({ method }) => method === 'VolumeDriver.Create');
    assert.deepEqual([create!.Name, create!.Opts], ['data', { color: 'blue' }]);
    const [volume] = JSON.parse(await docker('volume', 'inspect', 'data'));
    assert.deepEqual(
      [volume.Driver, volume.Scope, volume.Status, volume.Options, volume.Labels],
      ['vol', 'global', { users: [] }, { color: 'blue' }, { a: 'b' }],
    );
    assert.equal(await docker('volume', 'ls', '--format', '{{.Driver}} {{.Name}} {{.Scope}}'), 'vol data global');
    assert.equal(await docker('volume', 'ls', '-q', '--filter', 'driver=local'), '');
    assert.match(await docker('info', '--format', '{{.Plugins.Volume}}'), /^\[local vol\]$/);
    await docker('volume', 'rm', 'data');
    assert.deepEqual(changes(), ['Remove']);
    assert.equal(existsSync(place('data')), false);
  });

  test('is mounted while a container runs, takes the image’s files, and keeps what is written', async () => {
    await docker('volume', 'create', '-d', 'vol', 'data');
    used.plugin.calls();
    const run = ['run', '--rm', '-v', 'data:/data', 'busybox', 'sh', '-c'];
    assert.equal(await docker(...run, 'cat /data/seed; echo more > /data/more'), 'from the image');
    assert.equal(readFileSync(join(place('data'), 'more'), 'utf8'), 'more\n');
    const [volume] = JSON.parse(await docker('volume', 'inspect', 'data'));
    assert.deepEqual(volume.Status, { users: [] });
    const uses = used.plugin.calls().filter(({ method }) => /Mount|Unmount/.test(method));
    const ids = (method: string) => uses.filter((use) => use.method === method).map(({ ID }) => ID);
    assert.notEqual(ids('VolumeDriver.Mount').length, 0);
    assert.deepEqual(ids('VolumeDriver.Unmount').sort(), ids('VolumeDriver.Mount').sort());
  });

  test('is found where only the plugin knows it', async () => {
    mkdirSync(place('side'), { recursive: true });
    writeFileSync(join(place('side'), 'f'), 'made elsewhere');
    assert.equal(await docker('volume', 'ls', '--format', '{{.Driver}} {{.Name}}'), 'vol side');
    assert.equal(await docker('volume', 'inspect', '-f', '{{.CreatedAt}}', 'side'), '2026-01-02T03:04:05Z');
    assert.equal(await docker('run', '--rm', '-v', 'side:/s', 'busybox', 'cat', '/s/f'), 'made elsewhere');
    await docker('volume', 'rm', 'side');
    assert.equal(existsSync(place('side')), false);
  });

  test('comes with --volume-driver, also without a name', async () => {
    const create = ['create', '--volume-driver', 'vol', '-v', 'named:/n', '-v', '/anonymous', 'busybox'];
    const id = await docker(...create);
    assert.deepEqual(changes().filter((method) => method === 'Create').length, 2);
    const mounts: { Driver: string }[] = JSON.parse(await docker('inspect', '-f', '{{json .Mounts}}', id));
    assert.deepEqual(
      mounts.map(({ Driver }) => Driver),
      ['vol', 'vol'],
    );
    await docker('rm', '-v', id);
    assert.equal(await docker('volume', 'ls', '-q'), 'named');
  });

  test('in use is not removed, and is never pruned', async () => {
    const id = await docker('create', '--volume-driver', 'vol', '-v', 'held:/n', 'busybox');
    assert.match(await refused('volume', 'rm', 'held'), /remove held: volume is in use - \[/);
    await docker('rm', id);
    await docker('volume', 'prune', '-f', ...(await pruneAll()));
    assert.equal(await docker('volume', 'ls', '-q'), 'held');
  });
});

async function pruneAll(): Promise<string[]> {
  const version = await docker('version', '-f', '{{.Server.APIVersion}}');
  return Number(version.split('.')[1]) >= 42 ? ['-a'] : [];
}

describe('refusals', () => {
  test('of a plugin that is not there', async () => {
    const message = /error looking up volume plugin gone: plugin "gone" not found/;
    assert.match(await refused('volume', 'create', '-d', 'gone', 'xx'), message);
  });

  test('of the plugin reach the client, and nothing is half done', async () => {
    used.plugin.fail({ 'VolumeDriver.Create': 'no room on the array' });
    assert.match(await refused('volume', 'create', '-d', 'vol', 'xx'), /create xx: .*no room on the array/);
    assert.equal(await docker('volume', 'ls', '-q'), '');
    used.plugin.fail({ 'VolumeDriver.Mount': 'lost the array' });
    await docker('volume', 'create', '-d', 'vol', 'xx');
    assert.match(await refused('run', '-v', 'xx:/x', 'busybox', 'true'), /lost the array/);
    used.plugin.fail({ 'VolumeDriver.Remove': 'still replicating' });
    await removeEverything(engine.daemon);
    assert.match(await refused('volume', 'rm', 'xx'), /still replicating/);
    assert.equal(await docker('volume', 'ls', '-q'), 'xx');
  });

  test('of the plugin to list its volumes are a warning', wharfOnly(), async () => {
    await docker('volume', 'create', '-d', 'vol', 'kept');
    await docker('volume', 'create', 'here');
    used.plugin.fail({ 'VolumeDriver.List': 'busy' });
    const { code, stdout, stderr } = await engine.daemon.wharf(['volume', 'ls', '-q']);
    assert.deepEqual([code, stdout], [0, 'here\nkept\n']);
    assert.equal(stderr, "WARNING: error listing volumes of driver 'vol': VolumeDriver.List: busy\n");
  });

  test('of a name that another driver has', async () => {
    await docker('volume', 'create', '-d', 'vol', 'xx');
    assert.match(await refused('volume', 'create', '-d', 'local', 'xx'), /create xx: .*volume name must be unique/);
    await docker('create', '-v', 'xx:/x', 'busybox');
  });
});

describe('what goes away', () => {
  test('a daemon that is killed unmounts what no longer runs', wharfOnly(), async () => {
    const id = await docker('run', '-d', '--volume-driver', 'vol', '-v', 'data:/x', 'busybox', 'sleep', '1000');
    await engine.daemon.kill();
    used.plugin.calls();
    await engine.daemon.start();
    assert.deepEqual(changes(), []);
    await docker('kill', id);
    await docker('wait', id);
    await docker('rm', id);
    assert.deepEqual(changes(), ['Unmount']);
  });

  test('a plugin that comes back is waited for', async () => {
    await docker('volume', 'create', '-d', 'vol', 'data');
    await used.plugin.stop();
    const starting = docker('run', '--rm', '-v', 'data:/x', 'busybox', 'echo', 'ran');
    await used.plugin.start();
    assert.equal(await starting, 'ran');
  });
});
