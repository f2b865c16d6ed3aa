import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxImage, busyboxRootfs, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { Daemon } from '../harness/daemon.ts';
import { Fixture, removeEverything } from '../harness/fixture.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

/** A data root that is full: what cannot be done is refused with the reason, what can be done goes on. */
const megabytes = 40;
let sandbox: Sandbox;
let daemon: Daemon;
const engine = new (class extends Fixture {
  override get daemon() {
    return daemon;
  }
})({});

before(async () => {
  sandbox = await openSandbox();
  daemon = new Daemon(sandbox);
  mkdirSync(daemon.dataRoot, { recursive: true });
  const mounted = await sandbox.run([
    'mount',
    '-t',
    'tmpfs',
    '-o',
    `size=${megabytes}m,mode=711`,
    'small',
    daemon.dataRoot,
  ]);
  assert.equal(mounted.code, 0, mounted.stderr);
  await daemon.start();
  await engine.load(busyboxImage());
  await reserved();
});

/** The daemon has taken the room that it needs to get out of this again. */
async function reserved(): Promise<void> {
  const log = join(daemon.dataRoot, 'meta.db-wal');
  const size = async () => Number((await sandbox.run(['stat', '-c', '%s', log])).stdout);
  for (const deadline = Date.now() + 10_000; (await size()) < 2 << 20; ) {
    assert.ok(Date.now() < deadline, 'nothing was reserved');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

after(async () => {
  try {
    await removeEverything(daemon);
    await daemon.stop();
    await sandbox.run(['umount', daemon.dataRoot]);
    assert.deepEqual(await sandbox.leftovers(), []);
  } finally {
    await sandbox.close();
  }
});

const full = /no space left on device|ENOSPC|disk is full/i;

/** A container whose own files take all that is left, to the last byte. */
async function filling(): Promise<string> {
  const id = await engine.started({
    Cmd: [
      'sh',
      '-c',
      'cat /dev/zero >/hog; echo x >/last; cat /dev/zero >>/last; echo filled >/dev/tcp 2>/dev/null; exec sleep 1000',
    ],
    StopSignal: 'SIGKILL',
  });
  while ((await available()) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return id;
}

async function available(): Promise<number> {
  const { stdout } = await sandbox.run(['df', '--output=avail', '-B1', daemon.dataRoot]);
  return Number(stdout.split('\n')[1]);
}

/** What is removed is deleted behind the answer. */
async function empty(hog: string): Promise<void> {
  await engine.remove(hog);
  while ((await available()) < 16 << 20) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a container fills the disk', () => {
  test('what runs goes on, and can be looked at, stopped and removed', wharfOnly(), async () => {
    const witness = await engine.sleeping({}, 'witness');
    const hog = await filling();
    assert.equal((await engine.inspect(witness)).State.Running, true);
    assert.equal((await engine.api('GET', '/containers/json?all=1')).json.length, 2);
    assert.equal((await engine.exec(witness, ['echo', 'alive'])).stdout, 'alive\n');
    assert.equal((await engine.api('GET', `/containers/${witness}/stats?stream=0&one-shot=1`)).status, 200);
    const killed = await engine.api('POST', `/containers/${witness}/kill`);
    assert.equal(killed.status, 204, killed.text);
    assert.equal(await engine.wait(witness), 137);
    await engine.remove(witness);
    await empty(hog);
  });

  test('what needs room is refused with the reason, and leaves nothing half made', wharfOnly(), async () => {
    const hog = await filling();
    const attempts: readonly (readonly [what: string, run: () => Promise<{ status: number; text: string }>])[] = [
      ['load', () => loadLarge('large')],
      [
        'copy',
        () =>
          engine.daemon.api(
            'PUT',
            `/containers/${hog}/archive?path=/`,
            tar([{ name: 'big', content: Buffer.alloc(1 << 20) }]),
            {
              headers: { 'Content-Type': 'application/x-tar' },
            },
          ),
      ],
      ['commit', () => engine.api('POST', `/commit?container=${hog}&repo=committed`)],
    ];
    for (const [what, run] of attempts) {
      const { status, text } = await run();
      assert.ok(status >= 400 || text.includes('errorDetail'), `${what} was taken: ${status} ${text}`);
      assert.match(text, full, what);
    }
    await empty(hog);
    assert.equal((await engine.api('GET', '/images/large/json')).status, 404);
    assert.equal((await engine.api('GET', '/images/committed/json')).status, 404);
  });

  test('as soon as there is room again everything works', wharfOnly(), async () => {
    await empty(await filling());
    assert.equal((await engine.sh('echo again')).stdout, 'again\n');
    const { status, text } = await loadLarge('fits');
    assert.ok(status === 200 && !text.includes('errorDetail'), text);
    assert.equal((await engine.sh('wc -c </big', { Image: 'fits' })).stdout.trim(), String(4 << 20));
    assert.equal((await engine.api('DELETE', '/images/fits?force=1')).status, 200);
  });

  test('an end is known though there was no room to write of it, also to the next daemon', wharfOnly(), async () => {
    const mortal = await engine.started(
      { Cmd: ['sh', '-c', 'trap "exit 7" USR1; while :; do sleep 0.05; done'] },
      'mortal',
    );
    const hog = await filling();
    await engine.api('POST', `/containers/${mortal}/kill?signal=USR1`);
    assert.equal(await engine.wait(mortal), 7);
    await daemon.kill();
    await engine.api('DELETE', `/containers/${hog}?force=1`).catch(() => {});
    await sandbox.run(['sh', '-c', `rm -f ${daemon.dataRoot}/snapshots/${hog}/upper/hog`]);
    await daemon.start();
    assert.equal((await engine.inspect(mortal)).State.ExitCode, 7);
    await engine.remove(mortal);
    await empty(hog);
  });

  test('what a container writes when its log has no room costs it nothing but lines', wharfOnly(), async () => {
    const talker = await engine.started({
      Cmd: ['sh', '-c', 'trap "exit 5" USR1; while :; do echo line; sleep 0.02; done'],
    });
    await engine.logged(talker, 'line');
    const hog = await filling();
    assert.equal((await engine.exec(talker, ['echo', 'alive'])).stdout, 'alive\n');
    await empty(hog);
    await engine.logged(talker, 'line');
    await engine.api('POST', `/containers/${talker}/kill?signal=USR1`);
    assert.equal(await engine.wait(talker), 5);
    assert.match((await engine.logs(talker, '&tail=3')).stdout, /^(line\n){3}$/);
    await engine.remove(talker);
  });
});

/** An image that fits into an empty data root, and not beside the hog. */
function loadLarge(name: string): Promise<{ status: number; text: string }> {
  const layer = tar([{ name: 'big', content: Buffer.alloc(4 << 20, 1) }]);
  const archive = imageArchive(`${name}:latest`, [busyboxRootfs(), layer]);
  const headers = { 'Content-Type': 'application/x-tar' };
  return daemon.api('POST', '/images/load?quiet=1', archive, { headers });
}
