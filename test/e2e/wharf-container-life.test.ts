import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { listTar } from '../harness/list-tar.ts';

const engine = useDaemon();

/** The product's client and docker's say the same. */
async function alike(args: readonly string[]): Promise<string> {
  const [wharf, docker] = [await engine.daemon.wharf(args), await engine.daemon.docker(args)];
  assert.equal(wharf.stdout, docker.stdout, wharf.stderr);
  assert.equal(wharf.code, docker.code, wharf.stderr);
  return wharf.stdout;
}

async function wharf(args: readonly string[]): Promise<string> {
  const out = await engine.daemon.wharf(args);
  assert.equal(out.code, 0, out.stderr);
  return out.stdout;
}

describe('the client', () => {
  test('diff', async () => {
    await engine.sleeping({}, 'changed');
    await engine.exec('changed', ['sh', '-c', 'echo >/root/a; rm /data/seed; echo >>/etc/passwd']);
    const lines = (await alike(['diff', 'changed'])).trim().split('\n');
    assert.deepEqual(lines, ['C /data', 'D /data/seed', 'C /etc', 'C /etc/passwd', 'C /root', 'A /root/a']);
    await alike(['diff', 'absent']);
  });

  test('export', async () => {
    await engine.sleeping({}, 'exported');
    const file = join(engine.daemon.sandbox.directory, 'export.tar');
    assert.equal(await wharf(['export', '-o', file, 'exported']), '');
    assert.ok(listTar(readFileSync(file)).some(({ name }) => name === 'bin/busybox'));
  });

  test('commit', async () => {
    await engine.sleeping({}, 'source');
    await engine.exec('source', ['sh', '-c', 'echo here >/root/f']);
    const id = await wharf([
      'commit',
      '-a',
      'me',
      '-m',
      'why',
      '-c',
      'CMD ["cat", "/root/f"]',
      'source',
      'committed:v1',
    ]);
    assert.match(id, /^sha256:[0-9a-f]{64}\n$/);
    assert.equal(await wharf(['run', '--rm', 'committed:v1']), 'here\n');
  });

  test('update', async () => {
    const id = await engine.sleeping({}, 'limited');
    assert.equal(
      await wharf([
        'update',
        '--pids-limit',
        '77',
        '-m',
        '64m',
        '--memory-swap',
        '-1',
        '--restart',
        'on-failure:2',
        'limited',
      ]),
      'limited\n',
    );
    const { HostConfig } = await engine.inspect(id);
    assert.deepEqual(
      [HostConfig.PidsLimit, HostConfig.Memory, HostConfig.RestartPolicy.MaximumRetryCount],
      [77, 64 << 20, 2],
    );
    assert.match((await engine.daemon.wharf(['update', 'limited'])).stderr, /you must provide one or more flags/);
  });

  test('stats', async () => {
    await engine.sleeping({ HostConfig: { Memory: 64 << 20, MemorySwap: 64 << 20 } }, 'used');
    const table = await wharf(['stats', '--no-stream', 'used']);
    assert.match(table, /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS *\n/);
    assert.match(
      table,
      /\n[0-9a-f]{12} +used +\d+\.\d\d% +[\d.]+[KM]?i?B \/ 64MiB +\d+\.\d\d% +\S+ \/ \S+ +\S+ \/ \S+ +1 *\n$/,
    );
    assert.equal(await wharf(['stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'used']), 'used 1\n');
    assert.match(await wharf(['stats', '--no-stream', '--format', 'json']), /"Name":"used"/);
    assert.equal((await engine.daemon.wharf(['stats', '--no-stream', 'absent'])).code, 1);
  });
});
