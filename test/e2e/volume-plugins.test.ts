import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

  place(volume: string): string {
    return join(this.directory, 'volumes', volume);
  }

  /** Those that change something, in order. */
  changes(): string[] {
    return this.calls()
      .map(({ method }) => method.replace('VolumeDriver.', ''))
      .filter((method) => ['Create', 'Remove', 'Mount', 'Unmount'].includes(method));
  }
}

let sandbox: Sandbox;
let daemon: Daemon;
let plugin: Plugin;

before(async () => {
  sandbox = await openSandbox();
  plugin = new Plugin({
    sandbox,
    script: 'volume-plugin.py',
    socket: '/run/docker/plugins/vol.sock',
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
  for (const name of (await docker('volume', 'ls', '-q')).split('\n').filter(Boolean)) {
    await docker('volume', 'rm', name);
  }
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

describe('a volume of a plugin', () => {
  test('is made with its options, described by the plugin, and removed there', async () => {
    await docker('volume', 'create', '-d', 'vol', '-o', 'color=blue', '--label', 'a=b', 'data');
    const create = plugin.calls().find(({ method }) => method === 'VolumeDriver.Create');
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
    assert.deepEqual(plugin.changes(), ['Remove']);
    assert.equal(existsSync(plugin.place('data')), false);
  });

  test('is mounted while a container runs, takes the image’s files, and keeps what is written', async () => {
    await docker('volume', 'create', '-d', 'vol', 'data');
    plugin.calls();
    const run = ['run', '--rm', '-v', 'data:/data', 'busybox', 'sh', '-c'];
    assert.equal(await docker(...run, 'cat /data/seed; echo more > /data/more'), 'from the image');
    assert.equal(readFileSync(join(plugin.place('data'), 'more'), 'utf8'), 'more\n');
    const [volume] = JSON.parse(await docker('volume', 'inspect', 'data'));
    assert.deepEqual(volume.Status, { users: [] });
    const uses = plugin.calls().filter(({ method }) => /Mount|Unmount/.test(method));
    const ids = (method: string) => uses.filter((use) => use.method === method).map(({ ID }) => ID);
    assert.notEqual(ids('VolumeDriver.Mount').length, 0);
    assert.deepEqual(ids('VolumeDriver.Unmount').sort(), ids('VolumeDriver.Mount').sort());
  });

  test('is found where only the plugin knows it', async () => {
    mkdirSync(plugin.place('side'), { recursive: true });
    writeFileSync(join(plugin.place('side'), 'f'), 'made elsewhere');
    assert.equal(await docker('volume', 'ls', '--format', '{{.Driver}} {{.Name}}'), 'vol side');
    assert.equal(await docker('volume', 'inspect', '-f', '{{.CreatedAt}}', 'side'), '2026-01-02T03:04:05Z');
    assert.equal(await docker('run', '--rm', '-v', 'side:/s', 'busybox', 'cat', '/s/f'), 'made elsewhere');
    await docker('volume', 'rm', 'side');
    assert.equal(existsSync(plugin.place('side')), false);
  });

  test('comes with --volume-driver, also without a name', async () => {
    const create = ['create', '--volume-driver', 'vol', '-v', 'named:/n', '-v', '/anonymous', 'busybox'];
    const id = await docker(...create);
    assert.deepEqual(plugin.changes().filter((method) => method === 'Create').length, 2);
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
    plugin.fail({ 'VolumeDriver.Create': 'no room on the array' });
    assert.match(await refused('volume', 'create', '-d', 'vol', 'xx'), /create xx: .*no room on the array/);
    assert.equal(await docker('volume', 'ls', '-q'), '');
    plugin.fail({ 'VolumeDriver.Mount': 'lost the array' });
    await docker('volume', 'create', '-d', 'vol', 'xx');
    assert.match(await refused('run', '-v', 'xx:/x', 'busybox', 'true'), /lost the array/);
    plugin.fail({ 'VolumeDriver.Remove': 'still replicating' });
    await removeEverything(daemon);
    assert.match(await refused('volume', 'rm', 'xx'), /still replicating/);
    assert.equal(await docker('volume', 'ls', '-q'), 'xx');
  });

  test('of the plugin to list its volumes are a warning', wharfOnly(), async () => {
    await docker('volume', 'create', '-d', 'vol', 'kept');
    await docker('volume', 'create', 'here');
    plugin.fail({ 'VolumeDriver.List': 'busy' });
    const { code, stdout, stderr } = await daemon.wharf(['volume', 'ls', '-q']);
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
    await daemon.kill();
    plugin.calls();
    await daemon.start();
    assert.deepEqual(plugin.changes(), []);
    await docker('kill', id);
    await docker('wait', id);
    await docker('rm', id);
    assert.deepEqual(plugin.changes(), ['Unmount']);
  });

  test('a plugin that comes back is waited for', async () => {
    await docker('volume', 'create', '-d', 'vol', 'data');
    await plugin.stop();
    const starting = docker('run', '--rm', '-v', 'data:/x', 'busybox', 'echo', 'ran');
    await plugin.start();
    assert.equal(await starting, 'ran');
  });
});
