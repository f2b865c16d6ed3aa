import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
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

describe('cp', () => {
  const work = (...names: string[]) => join(engine.daemon.sandbox.directory, ...names);

  test('into a container: by name, into a directory, contents alone, from standard input', async () => {
    mkdirSync(work('in/tree/sub'), { recursive: true });
    writeFileSync(work('in/tree/sub/file'), 'content', { mode: 0o640 });
    symlinkSync('sub/file', work('in/tree/link'));
    await engine.sleeping({}, 'target');
    assert.equal(await wharf(['cp', work('in/tree'), 'target:/tmp']), '');
    await wharf(['cp', work('in/tree'), 'target:/named']);
    await wharf(['cp', `${work('in/tree')}/.`, 'target:/data']);
    await wharf(['cp', work('in/tree/sub/file'), 'target:/renamed']);
    await wharf(['cp', '-L', work('in/tree/link'), 'target:/followed']);
    const stdin = tar([{ name: 'piped', content: 'x' }]);
    assert.equal((await engine.daemon.wharf(['cp', '-', 'target:/tmp'], { stdin })).code, 0);
    const script =
      'cat /tmp/tree/sub/file /named/link /data/sub/file /renamed /followed /tmp/piped; readlink /named/link; stat -c %a /renamed';
    const seen = await engine.exec('target', ['sh', '-c', script]);
    assert.equal(seen.stdout, `${'content'.repeat(5)}xsub/file\n640\n`, seen.stderr);
  });

  test('out of a container: by name, into a directory, contents alone, to standard output', async () => {
    mkdirSync(work('out'));
    await engine.sleeping({}, 'origin');
    await engine.exec('origin', ['sh', '-c', 'mkdir -p /d/sub; echo x >/d/sub/f; ln -s f /d/sub/l; chmod 700 /d/sub']);
    await wharf(['cp', 'origin:/d', work('out')]);
    await wharf(['cp', 'origin:/d', work('named')]);
    await wharf(['cp', 'origin:/d/.', work('out')]);
    await wharf(['cp', 'origin:/d/sub/f', work('renamed')]);
    await wharf(['cp', '-L', 'origin:/d/sub/l', work('followed')]);
    for (const path of ['out/d/sub/f', 'named/sub/f', 'out/sub/f', 'renamed', 'followed']) {
      assert.equal(readFileSync(work(path), 'utf8'), 'x\n', path);
    }
    assert.equal(readlinkSync(work('named/sub/l')), 'f');
    assert.equal(statSync(work('named/sub')).mode & 0o777, 0o700);
    assert.match(await wharf(['cp', 'origin:/d/sub/f', '-']), /ustar/);
  });

  test("refusals, in docker's words", async () => {
    await engine.sleeping({}, 'refusing');
    writeFileSync(work('plain'), '');
    const rows: [args: string[], message: RegExp][] = [
      [['refusing:/absent', work('x')], /Could not find the file \/absent in container refusing/],
      [['refusing:/etc', work('plain')], /cannot copy directory/],
      [['refusing:/etc/passwd', work('no/such/place')], /invalid output path: directory ".*no\/such" does not exist/],
      [[work('absent'), 'refusing:/tmp'], /no such file or directory/],
      [[work('plain'), 'refusing:/no/such/place'], /Could not find the file \/no\/such in container refusing/],
      [['refusing:/a', 'refusing:/b'], /copying between containers is not supported/],
      [['here', 'there'], /must specify at least one container source/],
      [['-', 'refusing:/etc/passwd'], /must be a directory/],
    ];
    for (const [args, message] of rows) {
      for (const client of ['wharf', 'docker'] as const) {
        const out = await engine.daemon[client](['cp', ...args]);
        assert.match(out.stderr, message, `${client} cp ${args.join(' ')}`);
        assert.equal(out.code, 1);
      }
    }
  });

  test('a container cannot write outside of the destination', async () => {
    mkdirSync(work('victim'));
    mkdirSync(work('safe/tree'), { recursive: true });
    await engine.sleeping({}, 'hostile');
    await engine.exec('hostile', [
      'sh',
      '-c',
      `mkdir -p /tree/way; echo x >/tree/way/planted; ln -s ${work('victim')} /tree/link`,
    ]);
    // A link that is there from an earlier copy.
    symlinkSync(work('victim'), work('safe/tree/way'));
    const out = await engine.daemon.wharf(['cp', 'hostile:/tree', work('safe')]);
    assert.equal(out.code, 1);
    assert.match(out.stderr, /cannot overwrite non-directory/);
    assert.deepEqual(readdirSync(work('victim')), []);
    assert.ok(!existsSync(work('victim/planted')));
  });
});
