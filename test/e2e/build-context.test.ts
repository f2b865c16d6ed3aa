import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** All that the build said, put together. */
async function build(context: Buffer, query = ''): Promise<string> {
  const { text } = await engine.daemon.api('POST', `/build?nocache=1${query}`, context, {
    headers: { 'Content-Type': 'application/x-tar' },
  });
  return text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { stream?: string }).stream ?? '')
    .join('');
}

describe('a context that a client sends', () => {
  test('is taken as it is; what .dockerignore may take away are the Dockerfile and itself', async () => {
    for (const [patterns, kept] of [
      ['a\nd/*\n', ['./.dockerignore', './Dockerfile', './a', './d', './d/b']],
      ['Dockerfile\n.dockerignore\na\n', ['./a', './d', './d/b']],
      ['*\n!a\n', ['./a', './d', './d/b']],
    ] as const) {
      const dockerfile = "FROM busybox\nCOPY . /x\nRUN cd /x && find . -mindepth 1 | sort | sed 's/^/=> /'";
      const files = { Dockerfile: dockerfile, '.dockerignore': patterns, a: '', 'd/b': '' };
      const said = await build(tar(Object.entries(files).map(([name, content]) => ({ name, content }))));
      assert.deepEqual(
        [...said.matchAll(/^=> (.*)$/gm)].map(([, path]) => path),
        kept,
      );
    }
  });

  test('never takes away what is outside of it', wharfOnly(), async () => {
    const victim = join(engine.daemon.sandbox.directory, 'victim');
    writeFileSync(victim, 'FROM busybox');
    const context = tar([
      { name: 'Dockerfile', content: 'FROM busybox\nCOPY . /x\n' },
      { name: 'l', type: 'symlink', target: engine.daemon.sandbox.directory },
      { name: '.dockerignore', content: 'l/victim\nl\n' },
    ]);
    await build(context, `&${new URLSearchParams({ dockerfile: 'l/victim' })}`);
    assert.equal(readFileSync(victim, 'utf8'), 'FROM busybox');
  });
});
