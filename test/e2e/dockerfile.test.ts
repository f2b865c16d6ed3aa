import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';
import { type DockerfileCase, dockerfileCases } from './dockerfile-cases.ts';

const engine = useDaemon();

function contextOf({ dockerfile, files = {} }: DockerfileCase): Buffer {
  const text = /^(?:#.*\n)*(?:ARG .*\n)*FROM /.test(dockerfile) ? dockerfile : `FROM busybox\n${dockerfile}`;
  const entries = Object.entries(files).map(([name, file]) => {
    if (typeof file === 'string') return { name, content: file };
    return file.link === undefined
      ? { name, content: '', mode: file.mode ?? 0o644 }
      : ({ name, type: 'symlink', target: file.link } as const);
  });
  return tar([{ name: 'Dockerfile', content: text }, ...entries]);
}

/** All that the build said, put together and without colours, and the id of its image. */
async function build(wanted: DockerfileCase): Promise<{ said: string; error: string; id: string }> {
  const query = new URLSearchParams({ nocache: '1', ...wanted.query });
  const { status, text } = await engine.daemon.api('POST', `/build?${query}`, contextOf(wanted), {
    headers: { 'Content-Type': 'application/x-tar' },
  });
  if (status !== 200) return { said: '', error: text, id: '' };
  const messages = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { stream?: string; error?: string; aux?: { ID?: string } });
  return {
    said: stripVTControlCharacters(messages.map(({ stream = '' }) => stream).join('')),
    error: messages.map(({ error = '' }) => error).join(''),
    id: messages.findLast(({ aux }) => aux?.ID)?.aux?.ID ?? '',
  };
}

describe('a rule of Dockerfiles', () => {
  for (const wanted of dockerfileCases) {
    test(wanted.rule, wanted.isNew ? wharfOnly() : {}, async () => {
      const { said, error, id } = await build(wanted);
      if (wanted.fails) {
        assert.match(error, wanted.fails);
        return;
      }
      assert.equal(error, '', said);
      const printed = said.split('\n').filter((line) => line.startsWith('=> '));
      if (wanted.prints)
        assert.deepEqual(
          printed.map((line) => line.slice(3)),
          wanted.prints,
          said,
        );
      if (!wanted.config) return;
      const { Config } = (await engine.api('GET', `/images/${id}/json`)).json;
      for (const [key, value] of Object.entries(wanted.config)) assert.deepEqual(Config[key] ?? null, value, key);
    });
  }
});

describe('a context that a client sends', () => {
  test('is taken as it is; what .dockerignore may take away are the Dockerfile and itself', async () => {
    for (const [patterns, kept] of [
      ['a\nd/*\n', ['./.dockerignore', './Dockerfile', './a', './d', './d/b']],
      ['Dockerfile\n.dockerignore\na\n', ['./a', './d', './d/b']],
      ['*\n!a\n', ['./a', './d', './d/b']],
    ] as const) {
      const dockerfile = "COPY . /x\nRUN cd /x && find . -mindepth 1 | sort | sed 's/^/=> /'";
      const files = { '.dockerignore': patterns, a: '', 'd/b': '' };
      const { said } = await build({ rule: '', dockerfile, files });
      const printed = said.match(/^=> .*$/gm) ?? [];
      assert.deepEqual(
        printed.map((line) => line.slice(3)),
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
    const query = new URLSearchParams({ dockerfile: 'l/victim' });
    await engine.daemon.api('POST', `/build?${query}`, context, { headers: { 'Content-Type': 'application/x-tar' } });
    assert.equal(readFileSync(victim, 'utf8'), 'FROM busybox');
  });
});
