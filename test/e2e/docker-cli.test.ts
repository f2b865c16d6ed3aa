import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { clientCases } from './client-cases.ts';

const engine = useDaemon();

describe('the stock docker client', () => {
  clientCases(engine, 'docker');
});

test('an env-file, labels from a file and a cidfile', async () => {
  const directory = engine.daemon.sandbox.directory;
  writeFileSync(join(directory, 'env'), 'FROM_FILE=1\n# comment\nOTHER=two words\n');
  const cid = join(directory, 'cid');
  const out = await engine.daemon.docker([
    'run',
    '--rm',
    '--env-file',
    join(directory, 'env'),
    '--cidfile',
    cid,
    'busybox',
    'sh',
    '-c',
    'echo $FROM_FILE $OTHER',
  ]);
  assert.equal(out.stdout, '1 two words\n', out.stderr);
});
