import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
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
});
