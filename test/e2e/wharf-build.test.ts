import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();
let directories = 0;

function directory(): string {
  const path = join(engine.daemon.sandbox.directory, `wharf-build${++directories}`);
  mkdirSync(path, { recursive: true });
  return path;
}

function context(files: Readonly<Record<string, string>>): string {
  const root = directory();
  write(root, files);
  return root;
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer;
}

async function build(from: string, options: readonly string[] = [], given: Options = {}) {
  return engine.daemon.wharf(['build', ...options, from], given);
}

async function builds(from: string, options: readonly string[] = [], given: Options = {}) {
  const answer = await build(from, options, given);
  assert.equal(answer.code, 0, answer.stderr);
  return answer;
}

async function output(name: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, code } = await engine.daemon.docker(['run', '--rm', name, ...command]);
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('wharf build', () => {
  test('builds a directory without what it ignores, and shows the steps', async () => {
    const from = context({
      Dockerfile: 'FROM busybox\nARG WORD\nCOPY . /c\nRUN echo saying $WORD $((6 * 7)); find /c | sort > /list\n',
      '.dockerignore': 'hidden*\ndir\n!dir/kept\n',
      'dir/kept': 'k',
      'dir/other': 'o',
      'hidden.txt': 'h',
      näme: 'x'.repeat(200_000),
      empty: '',
    });
    symlinkSync('dir/kept', join(from, 'link'));
    const { stdout, stderr } = await builds(from, ['-t', 'wb:1', '--build-arg', 'WORD=word', '--label', 'a=b']);
    assert.equal(stdout, '');
    assert.match(stderr, /^#1 \[internal\] load build definition from Dockerfile\n/);
    assert.match(stderr, /^#\d+ \d\.\d{3} saying word 42\n/m);
    assert.match(stderr, /^#\d+ transferring context: 200\.\d\dkB.* done\n/m);
    assert.match(stderr, /^#\d+ DONE \d+\.\ds\n/m);
    assert.match(stderr, /naming to docker\.io\/library\/wb:1/);
    const names = ['', '/.dockerignore', '/Dockerfile', '/dir', '/dir/kept', '/empty', '/link', '/näme'];
    assert.deepEqual(
      (await output('wb:1', 'cat', '/list')).trim().split('\n'),
      names.map((name) => `/c${name}`).sort(),
    );
    assert.equal((await engine.api('GET', '/images/wb:1/json')).json.Config.Labels.a, 'b');
  });

  test('names what failed and what it said, and ends with 1', async () => {
    const { code, stderr } = await build(context({ Dockerfile: 'FROM busybox\nRUN echo said; exit 7\n' }));
    assert.equal(code, 1);
    assert.match(stderr, /------\n > \[2\/2\] RUN echo said; exit 7:\n\d\.\d{3} said\n------\n/);
    assert.match(
      stderr,
      /ERROR: failed to solve: process "\/bin\/sh -c echo said; exit 7" did not complete successfully: exit code: 7\n$/,
    );
  });

  test('an archive or a Dockerfile of standard input', async () => {
    const from = context({ Dockerfile: 'FROM busybox\nCOPY a /a\n', a: 'of the archive' });
    for (const flag of ['-c', '-cz']) {
      const stdin = execFileSync('tar', [flag, '-C', from, '.']);
      await builds('-', ['-t', 'wb:stdin'], { stdin });
      assert.equal(await output('wb:stdin', 'cat', '/a'), 'of the archive');
    }
    await builds('-', ['-t', 'wb:alone'], { stdin: 'FROM busybox\nRUN echo alone > /b\n' });
    assert.equal(await output('wb:alone', 'cat', '/b'), 'alone\n');
    await builds(from, ['-f', '-', '-t', 'wb:beside'], { stdin: 'FROM busybox\nCOPY a /beside\n' });
    assert.equal(await output('wb:beside', 'cat', '/beside'), 'of the archive');
  });

  test('secrets of files and variables reach the steps that ask for them, and nothing else', async () => {
    const from = context({
      Dockerfile:
        'FROM busybox\nRUN --mount=type=secret,id=file wc -c < /run/secrets/file > /f\n' +
        'RUN --mount=type=secret,id=VAR,env=V echo $V | wc -c > /v\n',
      secret: 'twelve bytes',
      '.dockerignore': 'secret',
    });
    const secrets = ['--secret', `id=file,src=${join(from, 'secret')}`, '--secret', 'id=VAR'];
    await builds(from, ['-t', 'wb:secret', ...secrets], { env: { VAR: 'seven77' } });
    assert.equal(await output('wb:secret', 'cat', '/f', '/v'), '12\n8\n');
    const missing = await build(from, ['--secret', 'id=file,src=/no/such']);
    assert.match(missing.stderr, /failed to stat \/no\/such: .*no such file or directory/);
  });

  test('outputs: a directory, tars and archives', async () => {
    const from = context({ Dockerfile: 'FROM scratch\nCOPY dir /\n', 'dir/deep/a': 'a', 'dir/b': 'b' });
    const to = directory();
    await builds(from, ['-o', join(to, 'plain')]);
    assert.equal(readFileSync(join(to, 'plain/deep/a'), 'utf8'), 'a');
    const { stdout } = await builds(from, ['-o', '-']);
    assert.match(stdout, /deep\/a/);
    for (const type of ['oci', 'docker', 'tar']) {
      const path = join(to, `${type}.tar`);
      await builds(from, ['-o', `type=${type},dest=${path}`]);
      assert.ok(execFileSync('tar', ['-tf', path]).length > 0, type);
    }
    assert.match((await build(from, ['-o', 'dest=x,tar=true'])).stderr, /type is required for output/);
  });

  test('-q, --iidfile and --metadata-file tell the same image', async () => {
    const from = context({ Dockerfile: 'FROM busybox\nRUN true\n' });
    const [id, metadata] = [join(from, 'id'), join(from, 'metadata')];
    const { stdout, stderr } = await builds(from, [
      '-q',
      '-t',
      'wb:quiet',
      '--iidfile',
      id,
      '--metadata-file',
      metadata,
    ]);
    assert.equal(stderr, '');
    assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
    assert.equal(readFileSync(id, 'utf8'), stdout.trim());
    assert.equal(JSON.parse(readFileSync(metadata, 'utf8'))['containerimage.config.digest'], stdout.trim());
  });

  test('--check says what should be written otherwise, and builds nothing', async () => {
    const { code, stdout } = await build(context({ Dockerfile: 'FROM busybox as x\nRUN exit 1\n' }), ['--check']);
    assert.equal(code, 1);
    assert.match(stdout, /FromAsCasing/);
  });

  test('named contexts, and --progress=rawjson', async () => {
    const other = context({ file: 'of the other' });
    const from = context({ Dockerfile: 'FROM busybox\nCOPY --from=other file /file\n' });
    const options = ['-t', 'wb:named', '--progress', 'rawjson', '--build-context', `other=${other}`];
    const { stderr } = await builds(from, options);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(lines.some(({ vertexes }) => vertexes?.some(({ name }: { name: string }) => /COPY/.test(name))));
    assert.equal(await output('wb:named', 'cat', '/file'), 'of the other');
  });

  test('what cannot be is refused', async () => {
    const from = context({ Dockerfile: 'FROM busybox\n' });
    const rows: [options: string[], message: RegExp][] = [
      [['--builder', 'other'], /no builder "other" found/],
      [['--progress', 'dream'], /invalid progress mode dream/],
      [['--memory', '1g', '--secret', 'id=x'], /--memory and --secret cannot be used together/],
      [['--cache-to', 'type=gha,token=x'], /a build cache of the type gha/],
      [['-f', '/no/such'], /failed to read dockerfile: open such: no such file or directory|open \/no\/such/],
    ];
    for (const [options, message] of rows) {
      const { code, stderr } = await build(from, options);
      assert.equal(code, 1, options.join(' '));
      assert.match(stderr, message);
    }
    assert.match((await build('/no/such')).stderr, /unable to prepare context: path "\/no\/such" not found/);
  });

  test('the builder is shown, and what it keeps is listed and pruned', async () => {
    await builds(context({ Dockerfile: 'FROM busybox\nRUN echo kept > /kept\n' }));
    for (const group of ['builder', 'buildx']) {
      const said = async (...words: string[]) => {
        const { stdout, stderr, code } = await engine.daemon.wharf([group, ...words]);
        assert.equal(code, 0, stderr);
        return stdout;
      };
      assert.match(await said('ls'), /^NAME\/NODE +DRIVER\/ENDPOINT +STATUS +BUILDKIT +PLATFORMS *\ndefault\* +docker/);
      assert.match(await said('inspect'), /^Name: +default\nDriver: +docker\n\nNodes:\n(.*\n)*Status: +running\n/);
      assert.match(await said('du', '--verbose'), /Reclaimable:\t.*\nTotal:\t/);
    }
    assert.match((await engine.daemon.wharf(['buildx', 'du'])).stdout, /^ID +RECLAIMABLE +SIZE +LAST ACCESSED\n/);
    const pruned = await engine.daemon.wharf(['builder', 'prune', '-af']);
    assert.match(pruned.stdout, /^Deleted build cache objects:\n(\S+\n)+\nTotal:\t/);
    assert.doesNotMatch((await engine.daemon.wharf(['buildx', 'du'])).stdout, /RECLAIMABLE/);
  });

  test('only files that changed travel', async () => {
    const from = context({ Dockerfile: 'FROM scratch\nCOPY . /\n', small: 'x'.repeat(1000) });
    writeFileSync(join(from, 'large'), randomBytes(3 << 20));
    let sent = 0;
    const path = join(engine.daemon.sandbox.directory, 'counting.sock');
    const server = createServer((client) => {
      const daemon = connect(engine.daemon.socket);
      client.on('data', (bytes) => {
        sent += bytes.length;
      });
      client.pipe(daemon).pipe(client);
      for (const socket of [client, daemon]) socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      const bytesOf = async () => {
        sent = 0;
        await builds(from, [], { env: { DOCKER_HOST: `unix://${path}` } });
        return sent;
      };
      assert.ok((await bytesOf()) > 3 << 20);
      assert.ok((await bytesOf()) < 64 << 10);
      writeFileSync(join(from, 'small'), 'y'.repeat(200_000));
      const changed = await bytesOf();
      assert.ok(changed > 200_000 && changed < 300_000, String(changed));
    } finally {
      server.close();
    }
  });
});
