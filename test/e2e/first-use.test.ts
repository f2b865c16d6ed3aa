import assert from 'node:assert/strict';

import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { repository, wharfOnly } from '../harness/target.ts';

const wharf = join(repository, 'bin/wharf');

describe('from a checkout', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await openSandbox(['/var/lib/wharf', '/var/log']);
  });
  after(async () => {
    await sandbox.run(['sh', '-c', '[ -e /run/wharf/wharfd.pid ] && kill $(cat /run/wharf/wharfd.pid)']);
    await sandbox.close();
  });

  const inside = (args: readonly string[]) =>
    sandbox.run([wharf, ...args], {
      env: { DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined, DOCKER_CONFIG: join(sandbox.directory, 'client') },
      timeout: 120_000,
    });

  test('help and version start no daemon', wharfOnly(), async () => {
    assert.equal((await inside(['--version'])).code, 0);
    assert.equal((await inside(['--help'])).code, 0);
    assert.equal((await sandbox.run(['test', '-e', '/run/wharf'])).code, 1);
  });

  test('run starts the daemon, and the container from the image in the product', wharfOnly(), async () => {
    const out = await inside(['run', '--rm', 'wharf/hello']);
    assert.equal(out.code, 0, out.stderr);
    assert.match(out.stdout, /\S/);
    assert.match(out.stderr, /starting wharfd/);
  });

  test('the second time there is the container’s output, and nothing else', wharfOnly(), async () => {
    const first = await inside(['run', '--rm', 'wharf/hello']);
    const second = await inside(['run', '--rm', 'wharf/hello']);
    assert.deepEqual([second.code, second.stderr, second.stdout], [0, '', first.stdout]);
  });

  test('a daemon that was killed is started again', wharfOnly(), async () => {
    await sandbox.run([
      'sh',
      '-c',
      'kill -9 $(cat /run/wharf/wharfd.pid); while kill -0 $(cat /run/wharf/wharfd.pid) 2>/dev/null; do :; done',
    ]);
    const out = await inside(['run', '--rm', 'wharf/hello']);
    assert.equal(out.code, 0, out.stderr);
  });

  test('two at once on a fresh machine start one daemon', wharfOnly(), async () => {
    await sandbox.run([
      'sh',
      '-c',
      'kill $(cat /run/wharf/wharfd.pid); while kill -0 $(cat /run/wharf/wharfd.pid) 2>/dev/null; do :; done; rm -rf /run/wharf',
    ]);
    const [left, right] = await Promise.all([
      inside(['run', '--rm', 'wharf/hello']),
      inside(['run', '--rm', 'wharf/hello']),
    ]);
    assert.deepEqual([left.code, right.code], [0, 0], left.stderr + right.stderr);
    const daemons = await sandbox.run(['sh', '-c', 'grep -l "[w]harfd" /proc/[0-9]*/cmdline | wc -l']);
    assert.equal(daemons.stdout.trim(), '1');
  });
});
