import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

/** More than the windows of HTTP/2 hold, both ways, with each program at either end. */

const engine = useDaemon();
const lines = 200_000;
const talkative = () => buildContext(engine.daemon, { Dockerfile: `FROM busybox\nRUN seq 1 ${lines}\n` });
const large = () => {
  const content = randomBytes(4 << 20).toString('hex');
  return buildContext(engine.daemon, { Dockerfile: 'FROM scratch\nCOPY file /\n', file: content });
};

function requireAllLines(progress: string): void {
  const numbers = [...progress.matchAll(/^#\d+ \d+\.\d+ (\d+)$/gm)].map(([, number]) => Number(number));
  assert.equal(numbers.length, lines);
  assert.ok(numbers.every((number, index) => number === index + 1));
}

describe('wharf and wharfd', () => {
  test('progress of many lines', async () => {
    const { code, stderr } = await engine.daemon.wharf(['build', '--progress', 'plain', talkative()]);
    assert.equal(code, 0, stderr.slice(-1000));
    requireAllLines(stderr);
  });

  test('a large file there and back', async () => {
    const target = join(engine.daemon.sandbox.directory, 'out');
    const { code, stderr } = await engine.daemon.wharf(['build', '-o', target, large()]);
    assert.equal(code, 0, stderr);
    const { stdout } = await engine.daemon.sandbox.run(['stat', '-c', '%s', join(target, 'file')]);
    assert.equal(stdout, `${8 << 20}\n`);
  });
});

describe('buildx and wharfd', () => {
  test('progress of many lines', withBuildx, async () => {
    for (let round = 0; round < 3; round++) {
      const { code, stderr } = await buildx(engine.daemon, ['build', '--no-cache', '--progress', 'plain', talkative()]);
      assert.equal(code, 0, stderr.slice(-1000));
      requireAllLines(stderr);
    }
  });

  test('a large file there and back', withBuildx, async () => {
    const target = join(engine.daemon.sandbox.directory, 'outx');
    const { code, stderr } = await buildx(engine.daemon, ['build', '-o', target, large()]);
    assert.equal(code, 0, stderr);
  });
});

describe('wharf and dockerd', () => {
  const ends: Promise<unknown>[] = [];
  let sandbox: Sandbox | undefined;
  after(async () => {
    await sandbox?.close();
    await Promise.all(ends);
  });

  test('a large file', wharfOnly(), async () => {
    sandbox = await openSandbox([]);
    const root = join(sandbox.directory, 'dockerd');
    mkdirSync(root);
    const roots = ['--data-root', `${root}/data`, '--exec-root', `${root}/run`, '--pidfile', `${root}/pid`];
    const bare = ['--bridge=none', '--iptables=false', '--storage-driver', 'vfs'];
    const socket = `unix://${root}/socket`;
    const [command = '', ...args] = sandbox.enter(['dockerd', '-H', socket, ...roots, ...bare]);
    const dockerd = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    ends.push(new Promise((resolve) => dockerd.once('exit', resolve)));
    let log = '';
    for await (const chunk of dockerd.stderr) {
      log += chunk;
      if (log.includes('API listen on')) break;
    }
    dockerd.stderr.resume();
    const { code, stderr } = await engine.daemon.wharf(['-H', socket, 'build', large()], { timeout: 60_000 });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /exporting layers/);
  });
});
