import { afterEach, beforeEach, expect, test } from 'bun:test';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from './write-whole.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wharf-write-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

/** A client that has written a piece, and waits for the next. */
async function startWriter(path: string): Promise<Bun.Subprocess> {
  const script = `
    const { writeWhole } = await import(${JSON.stringify(join(import.meta.dir, 'write-whole.ts'))});
    await writeWhole(${JSON.stringify(path)}, (async function* () {
      yield new Uint8Array(100_000);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    })());`;
  const watcher = watch(directory);
  const child = Bun.spawn([process.execPath, '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(watcher, 'change');
  watcher.close();
  return child;
}

test('a file is whole, in place of the one before', async () => {
  const path = join(directory, 'a.tar');
  writeFileSync(path, 'old');
  await writeWhole(path, pieces('one', 'two'));
  expect(readFileSync(path, 'utf8')).toBe('onetwo');
  expect(readdirSync(directory)).toEqual(['a.tar']);
});

test('an archive that breaks off leaves the one before', async () => {
  const path = join(directory, 'a.tar');
  writeFileSync(path, 'old');
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* pieces('one');
    throw new Error('broken off');
  }
  await expect(writeWhole(path, broken())).rejects.toThrow('broken off');
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(directory)).toEqual(['a.tar']);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} leaves nothing behind`, async () => {
    const child = await startWriter(join(directory, 'a.tar'));
    child.kill(signal);
    await child.exited;
    expect(child.signalCode).toBe(signal);
    expect(readdirSync(directory)).toEqual([]);
  });
}

test('what a client killed by -9 left is removed by the next, what another is writing is not', async () => {
  const path = join(directory, 'a.tar');
  const killed = await startWriter(path);
  killed.kill('SIGKILL');
  await killed.exited;
  const left = `${path}.partial${killed.pid}`;
  // It may be of another pid namespace while it is fresh.
  await writeWhole(path, pieces('one'));
  expect(readdirSync(directory).sort()).toEqual(['a.tar', `a.tar.partial${killed.pid}`]);
  const others = [`${path}.partial${process.ppid}`, `${path}.partials`, join(directory, `b.tar.partial${killed.pid}`)];
  for (const other of others) writeFileSync(other, '');
  const before = new Date(Date.now() - 120_000);
  for (const file of [left, ...others]) utimesSync(file, before, before);
  await writeWhole(path, pieces('two'));
  expect(readdirSync(directory)).not.toContain(`a.tar.partial${killed.pid}`);
  expect(readdirSync(directory)).toHaveLength(1 + others.length);
});
