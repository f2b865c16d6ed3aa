import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { buildx as runBuildx, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

const context = (files: Readonly<Record<string, string>>) => buildContext(engine.daemon, files);

function write(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

async function buildx(...command: string[]) {
  return runBuildx(engine.daemon, command);
}

async function output(name: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, code } = await engine.daemon.docker(['run', '--rm', name, ...command]);
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('buildx', () => {
  test('builds, shows progress, and names the image', withBuildx, async () => {
    const directory = context({
      Dockerfile: 'FROM busybox\nCOPY . /work/\nRUN echo saying $((6 * 7)) && cat /work/dir/a.txt > /copied\n',
      '.dockerignore': 'secret*\n',
      'dir/a.txt': 'content of a\n',
      'secret.txt': 'hidden',
      'näme.txt': 'x'.repeat(200_000),
    });
    const { code, stderr } = await buildx('build', '-t', 'bx:1', directory);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\[2\/3\] COPY \. \/work\//);
    assert.match(stderr, /saying 42/);
    assert.match(stderr, /naming to docker\.io\/library\/bx:1/);
    assert.equal(await output('bx:1', 'cat', '/copied'), 'content of a\n');
    assert.equal(await output('bx:1', 'sh', '-c', 'echo /work/*'), '/work/Dockerfile /work/dir /work/näme.txt\n');
  });

  test('uses what the last build made, and sees what changed', withBuildx, async () => {
    const directory = context({ Dockerfile: 'FROM busybox\nCOPY a /a\nRUN cat /a > /b\n', a: 'first' });
    assert.equal((await buildx('build', '-t', 'bx:2', directory)).code, 0);
    assert.match((await buildx('build', '-t', 'bx:2', directory)).stderr, /\[3\/3\] RUN cat.*\n(?:.*\n)*?#\d+ CACHED/);
    write(directory, { a: 'second' });
    assert.equal((await buildx('build', '-t', 'bx:2', directory)).code, 0);
    assert.equal(await output('bx:2', 'cat', '/b'), 'second');
  });

  test('tells which command failed', withBuildx, async () => {
    const { code, stderr } = await buildx('build', context({ Dockerfile: 'FROM busybox\nRUN exit 3\n' }));
    assert.equal(code, 1);
    assert.match(stderr, /process "\/bin\/sh -c exit 3" did not complete successfully: exit code: 3/);
  });

  test('lists what builds keep, and prunes it', withBuildx, async () => {
    const directory = context({
      Dockerfile: 'FROM busybox\nRUN --mount=type=cache,target=/c echo x > /c/y; echo kept > /k\n',
    });
    assert.equal((await buildx('build', directory)).code, 0);
    const listed = await buildx('buildx', 'du', '--verbose');
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /Description:\s+.*RUN --mount=type=cache/);
    assert.match(listed.stdout, /Type:\s+exec\.cachemount/);
    const mounts = await buildx('buildx', 'prune', '--force', '--filter', 'type=exec.cachemount');
    assert.equal(mounts.code, 0, mounts.stderr);
    const left = (await buildx('buildx', 'du', '--verbose')).stdout;
    assert.doesNotMatch(left, /exec\.cachemount/);
    assert.match(left, /RUN --mount=type=cache/);
    const all = await buildx('buildx', 'prune', '--all', '--force');
    assert.match(all.stdout, /Total:\s+[\d.]+\s?[kMG]?B/);
    assert.doesNotMatch((await buildx('buildx', 'du', '--verbose')).stdout, /Description/);
  });

  test('inspects the builder', withBuildx, async () => {
    const { code, stdout, stderr } = await buildx('buildx', 'inspect');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Status:\s+running/);
  });
});
