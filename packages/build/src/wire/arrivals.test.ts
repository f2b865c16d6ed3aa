import { expect, test } from 'bun:test';
import { Arrivals } from './arrivals.ts';

const soon = { milliseconds: 60_000, missing: 'no such thing' };

test('what is here is found, and what comes later ends the wait for it', async () => {
  const arrivals = new Arrivals<number>();
  const [first, second] = [arrivals.get('a', soon), arrivals.get('a', soon)];
  arrivals.put('b', 2);
  arrivals.put('a', 1);
  expect(await Promise.all([first, second, arrivals.get('a', soon), arrivals.get('b', soon)])).toEqual([1, 1, 1, 2]);
});

test('what does not come in time, or has gone, is not found', async () => {
  const arrivals = new Arrivals<number>();
  await expect(arrivals.get('a', { ...soon, milliseconds: 1 })).rejects.toThrow('no such thing');
  const waiting = arrivals.get('a', soon);
  arrivals.remove('a');
  await expect(waiting).rejects.toThrow('no such thing');
});

test('who leaves is told why', async () => {
  const arrivals = new Arrivals<number>();
  const controller = new AbortController();
  const waiting = arrivals.get('a', { ...soon, signal: controller.signal });
  controller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
});
