import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DetachKeyFilter, defaultDetachKeys, parseDetachKeys } from './detach-keys.ts';

describe('detach keys', () => {
  for (const [text, bytes] of [
    [defaultDetachKeys, [16, 17]],
    ['a,b', [97, 98]],
    ['ctrl-@,ctrl-[,ctrl-_', [0, 27, 31]],
  ] as const) {
    test(text, () => assert.deepEqual([...parseDetachKeys(text)], bytes));
  }
  test('unknown ones are refused', () => assert.throws(() => parseDetachKeys('ctrl-1'), /Unknown character: 'ctrl-1'/));

  const rows: [typed: string[], passed: string, detached: boolean][] = [
    [['abc'], 'abc', false],
    [['x\x10', '\x11y'], 'x', true],
    [['\x10', 'x'], '\x10x', false],
    [['\x10\x10\x11'], '\x10', true],
    [['\x11\x10'], '\x11', false],
  ];
  for (const [typed, passed, detached] of rows) {
    test(`${JSON.stringify(typed)} passes ${JSON.stringify(passed)}`, () => {
      const filter = new DetachKeyFilter(parseDetachKeys(defaultDetachKeys));
      let pass = '';
      let ended = false;
      for (const chunk of typed) {
        const result = filter.push(new TextEncoder().encode(chunk));
        pass += new TextDecoder().decode(result.pass);
        ended ||= result.detached;
      }
      assert.equal(pass, passed);
      assert.equal(ended, detached);
    });
  }
});
