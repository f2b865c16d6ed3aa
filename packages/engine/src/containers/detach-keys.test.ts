import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';

async function type(chunks: readonly string[], keys = 'ctrl-p,ctrl-q'): Promise<{ passed: string; detached: boolean }> {
  let detached = false;
  const filter = new DetachFilter(parseDetachKeys(keys), () => {
    detached = true;
  });
  let passed = '';
  filter.on('data', (chunk: Buffer) => {
    passed += chunk.toString();
  });
  for (const chunk of chunks) filter.write(chunk);
  const ended = new Promise((resolve) => filter.on('end', resolve));
  filter.end();
  await ended;
  return { passed, detached };
}

function check(what: string, chunks: string[], passed: string, detached: boolean, keys?: string): void {
  test(`detach keys: ${what}`, async () => assert.deepEqual(await type(chunks, keys), { passed, detached }));
}

check('plain text passes', ['hello', ' world'], 'hello world', false);
check('the sequence detaches and is not passed', ['ab\x10\x11'], 'ab', true);
check('the sequence in two writes', ['ab\x10', '\x11'], 'ab', true);
check('what began it and broke off is passed', ['a\x10b'], 'a\x10b', false);
check('broken off across writes', ['a\x10', 'b'], 'a\x10b', false);
check('begun twice', ['\x10\x10\x11'], '\x10', true);
check('begun and ended by EOF', ['a\x10'], 'a\x10', false);
check('own keys', ['say x,y', 'q'], 'say x,y', true, 'q');
check('a control key with a bracket', ['a\x1b'], 'a', true, 'ctrl-[');

for (const bad of ['ctrl-1', 'ab', 'ctrl-P', 'ctrl-p,,x']) {
  test(`detach keys '${bad}' are refused`, () => assert.throws(() => parseDetachKeys(bad), /Unknown character/));
}
