import { expect, test } from 'bun:test';
import { OutputMask } from './output-mask.ts';

function shown(secrets: readonly string[], chunks: readonly string[]): string {
  const mask = new OutputMask(secrets.map((text) => Buffer.from(text)));
  const told = chunks.map((chunk) => mask.push(1, Buffer.from(chunk)).toString());
  return [...told, ...mask.end().map(([, bytes]) => bytes.toString())].join('');
}

test.each([
  [['hunter22'], ['a hunter22 b\n'], 'a **** b\n'],
  [['hunter22\n'], ['hunter22\n'], '****\n'],
  [['hunter22'], ['a hun', 'ter', '22 b'], 'a **** b'],
  [['hunter22'], ['a hunt', 'ers'], 'a hunters'],
  [['hunter22', 'hunter22-long'], ['hunter22-long hunter22'], '**** ****'],
  [['hunter22', 'second-one'], ['second-one,hunter22,hunter22'], '****,****,****'],
  [['abc'], ['abc is too short to be told apart'], 'abc is too short to be told apart'],
  [[], ['plain'], 'plain'],
])('of the secrets %p, %p shows as %p', (secrets, chunks, expected) => {
  expect(shown(secrets, chunks)).toBe(expected);
});

test('the streams of a command are kept apart', () => {
  const mask = new OutputMask([Buffer.from('hunter22')]);
  expect(mask.push(1, Buffer.from('hun')).toString()).toBe('');
  expect(mask.push(2, Buffer.from('ter22')).toString()).toBe('ter22');
  expect(mask.end()).toEqual([[1, Buffer.from('hun')]]);
});
