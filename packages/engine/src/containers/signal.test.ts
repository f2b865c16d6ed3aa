import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSignal } from './signal.ts';

function check(text: string, number: number): void {
  test(`signal ${text} is ${number}`, () => assert.equal(parseSignal(text), number));
}

check('KILL', 9);
check('SIGTERM', 15);
check('sigusr1', 10);
check('2', 2);
check('RTMIN', 34);
check('SIGRTMIN+3', 37);
check('SIGRTMAX-1', 63);
check('64', 64);

for (const bad of ['', '0', '65', 'SIGFOO', 'RTMIN-1', 'RTMAX+1', '-9', '9x']) {
  test(`signal '${bad}' is refused`, () => assert.throws(() => parseSignal(bad), /invalid signal: /));
}
