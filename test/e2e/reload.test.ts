import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { run } from '../harness/run.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { dockerSince, wharfOnly } from '../harness/target.ts';

let sandbox: Sandbox;
let daemon: Daemon;

before(async () => {
  sandbox = await openSandbox();
  daemon = new Daemon(sandbox, { flags: ['--config-file', file()] });
  configure({});
  await daemon.start();
  await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
});

after(async () => {
  await daemon.stop();
  await sandbox.close();
});

function file(): string {
  return join(sandbox.directory, 'daemon.json');
}

function configure(settings: unknown): void {
  writeFileSync(file(), typeof settings === 'string' ? settings : JSON.stringify(settings));
}

/** Writes the file, signals the daemon and gives the attributes of its event. */
async function reload(settings: unknown): Promise<Record<string, string>> {
  configure(settings);
  const events = await daemon.open('GET', '/events?filters={"type":["daemon"]}');
  process.kill(daemon.pid, 'SIGHUP');
  for await (const chunk of events.body) {
    const event = JSON.parse(chunk.toString());
    assert.deepEqual([event.Type, event.Action, event.scope], ['daemon', 'reload', 'local']);
    assert.equal(event.Actor.ID, (await info()).ID);
    events.socket.destroy();
    return event.Actor.Attributes;
  }
  throw new Error('no event');
}

async function info() {
  return (await daemon.api('GET', '/info')).json;
}

/** Resolves when the log says it; the daemon writes at once what it met. */
async function logged(text: RegExp, from: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if (text.test(daemon.log.slice(from))) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`the log does not say ${text}:\n${daemon.log.slice(from)}`);
}

describe('SIGHUP', () => {
  test('takes over labels, debug, limits and live-restore, and announces what holds', async () => {
    const attributes = await reload({
      labels: ['rack=7'],
      debug: true,
      'live-restore': true,
      'max-concurrent-downloads': 7,
      'max-concurrent-uploads': 8,
      'max-download-attempts': 9,
      'shutdown-timeout': 20,
      features: { buildkit: true },
    });
    const { name, ...known } = attributes;
    assert.ok(name);
    for (const [key, value] of Object.entries({
      labels: '["rack=7"]',
      debug: 'true',
      'live-restore': 'true',
      'max-concurrent-downloads': '7',
      'max-concurrent-uploads': '8',
      'max-download-attempts': '9',
      'shutdown-timeout': '20',
      features: 'map[buildkit:true]',
      'default-shm-size': '67108864',
      'default-ipc-mode': 'private',
      'registry-mirrors': '[]',
    })) {
      assert.equal(known[key], value, key);
    }
    const { Labels, Debug, LiveRestoreEnabled } = await info();
    assert.deepEqual([Labels, Debug, LiveRestoreEnabled], [['rack=7'], true, true]);
  });

  test('a runtime that is registered then can be used, and be the default', async () => {
    const { runtimes, 'default-runtime': name } = await reload({
      runtimes: { other: { path: '/usr/sbin/runc' } },
      'default-runtime': 'other',
    });
    assert.match(runtimes!, /(^| )other:/);
    assert.equal(name, 'other');
    assert.equal((await info()).DefaultRuntime, 'other');
    const out = await daemon.docker(['run', '--rm', '--network', 'none', 'busybox', 'echo', 'ran']);
    assert.equal(out.stdout, 'ran\n', out.stderr);
  });

  test('a new size of /dev/shm holds for containers created then', dockerSince('25.0'), async () => {
    await reload({ 'default-shm-size': '2m' });
    const out = await daemon.docker(['run', '--rm', '--network', 'none', 'busybox', 'df', '-k', '/dev/shm']);
    assert.match(out.stdout, /shm +2048 /, out.stderr);
  });

  test('what is gone from the file is as it was without', wharfOnly(), async () => {
    await reload({ labels: ['a=b'], debug: true });
    const attributes = await reload({});
    assert.deepEqual([attributes.labels, attributes.debug], ['[]', 'false']);
    assert.deepEqual((await info()).Labels, []);
  });

  test('a file that cannot be used changes nothing', async () => {
    await reload({ labels: ['kept=1'] });
    for (const [bad, message] of [
      ['{', /unexpected E(OF|nd of JSON)/i],
      [{ labels: ['kept=2'], dream: 1 }, /don't match any configuration option: dream/],
      [{ labels: ['kept=2'], 'default-runtime': 'nowhere' }, /specified default runtime .nowhere. does not exist/],
    ] as const) {
      const from = daemon.log.length;
      configure(bad);
      process.kill(daemon.pid, 'SIGHUP');
      await logged(message, from);
      assert.deepEqual((await info()).Labels, ['kept=1']);
    }
  });

  test('what has to wait for the next start is named', wharfOnly(), async () => {
    const from = daemon.log.length;
    await reload({ mtu: 1400 });
    await logged(/wait for the next start.*mtu/, from);
  });
});

describe('--validate', () => {
  const validate = (...flags: string[]) =>
    run([...new Daemon(sandbox).commandLine, '--config-file', file(), ...flags, '--validate']);

  test('says that a configuration is right, and starts nothing', dockerSince('23.0'), async () => {
    configure({ debug: true });
    assert.deepEqual(await validate(), { code: 0, stdout: '', stderr: 'configuration OK\n' });
  });

  test('says what is wrong with one', dockerSince('23.0'), async () => {
    configure({ dream: true });
    const { code, stderr } = await validate();
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `unable to configure the Docker daemon with file ${file()}: the following directives don't match any configuration option: dream\n`,
    );
  });
});

describe('the oldest API version served', () => {
  test('is raised by the environment', wharfOnly(), async () => {
    configure({});
    const other = new Daemon(sandbox, { name: 'other', env: { DOCKER_MIN_API_VERSION: '1.44' } });
    await other.start();
    const old = await other.api('GET', '/v1.43/info');
    assert.equal(old.status, 400);
    assert.match(old.json.message, /client version 1.43 is too old. Minimum supported API version is 1.44/);
    assert.equal((await other.api('GET', '/version')).json.MinAPIVersion, '1.44');
    await other.stop();
  });
});
