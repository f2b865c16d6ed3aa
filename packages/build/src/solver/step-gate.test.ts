import { expect, test } from 'bun:test';
import { StepGate } from './step-gate.ts';

const { signal } = new AbortController();

/** Steps that end when they are told to, and the order in which they began. */
function steps(gate: StepGate) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (build: object, name: string, options = { limit: 10, signal }) =>
    gate.run(build, options, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await Bun.sleep(0);
  };
  return { begun, start, end };
}

test('builds take turns, whichever has more to do', async () => {
  const { begun, start, end } = steps(new StepGate(1));
  const [one, two] = [{}, {}];
  const all = [start(one, '1a'), start(one, '1b'), start(one, '1c'), start(two, '2a')];
  for (const name of ['1a', '1b', '2a', '1c']) await end(name);
  for (const name of ['1a', '1b', '2a', '1c']) await end(name);
  await Promise.all(all);
  expect(begun).toEqual(['1a', '1b', '2a', '1c']);
});

test('a build has no more at once than it may, and others use what it leaves', async () => {
  const { begun, start, end } = steps(new StepGate(3));
  const [one, two] = [{}, {}];
  const all = [
    start(one, '1a', { limit: 1, signal }),
    start(one, '1b', { limit: 1, signal }),
    start(two, '2a'),
    start(two, '2b'),
  ];
  await Bun.sleep(0);
  expect(begun).toEqual(['1a', '2a', '2b']);
  for (const name of ['1a', '1b', '2a', '2b']) await end(name);
  await Promise.all(all);
  expect(begun.at(-1)).toBe('1b');
});

test('a build that is given up leaves its place in the queue to others', async () => {
  const { begun, start, end } = steps(new StepGate(1));
  const controller = new AbortController();
  const first = start({}, 'first');
  const left = start({}, 'left', { limit: 1, signal: controller.signal });
  const last = start({}, 'last');
  controller.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  await end('first');
  await end('last');
  await Promise.all([first, last]);
  expect(begun).toEqual(['first', 'last']);
});
