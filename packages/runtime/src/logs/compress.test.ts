import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compressFile } from './compress.ts';
import { LogFile } from './log-file.ts';

test('log: a file rotated again while it is compressed ends under its new number, whole', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-compress-'));
  try {
    const { promise: proceed, resolve } = Promise.withResolvers<void>();
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const path = join(directory, 'log');
    const compress = async (source: string, target: string, log: string) => {
      await compressFile(source, target, log);
      await proceed;
      setImmediate(finish);
    };
    const file = new LogFile({ path, maxSize: 2, maxFiles: 4, compress });
    for (const text of ['one\n', 'two\n', 'three\n', 'four\n']) file.append(Buffer.from(text), '');
    resolve();
    await done;
    assert.deepEqual(readdirSync(directory).sort(), ['log', 'log.1', 'log.2', 'log.3.gz']);
    assert.equal(gunzipSync(readFileSync(`${path}.3.gz`)).toString(), 'one\n');
    assert.equal(readFileSync(`${path}.2`, 'utf8'), 'two\n');
    file.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
