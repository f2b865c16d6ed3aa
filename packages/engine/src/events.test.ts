import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nowNanos } from '@wharf/base/timestamp';
import { EventBus } from './events.ts';
import { streamEvents } from './system/events.ts';

function publish(events: EventBus, action: string, id = 'a', attributes: Record<string, string> = {}): void {
  events.publish({ type: 'container', action, id, attributes });
}

async function collect(stream: AsyncIterable<{ Action: string }>): Promise<string[]> {
  const actions: string[] = [];
  for await (const { Action } of stream) actions.push(Action);
  return actions;
}

const never = new AbortController().signal;
const all = { accepts: () => true };

describe('events', () => {
  test('without bounds nothing is replayed, and what follows arrives from the call on', async () => {
    const events = new EventBus();
    publish(events, 'before');
    const controller = new AbortController();
    const stream = events.subscribe(all, controller.signal)[Symbol.asyncIterator]();
    publish(events, 'after');
    assert.equal((await stream.next()).value.Action, 'after');
    const next = stream.next();
    controller.abort();
    assert.equal((await next).done, true);
    assert.equal(events.listenerCount, 0);
  });

  test('until in the past: the replay, then the end', async () => {
    const events = new EventBus();
    publish(events, 'first');
    const since = nowNanos();
    publish(events, 'second');
    const until = nowNanos();
    publish(events, 'third');
    assert.deepEqual(await collect(events.subscribe({ ...all, since, until }, never)), ['second']);
  });

  test('the last 256 are kept', async () => {
    const events = new EventBus();
    for (let i = 0; i < 300; i++) publish(events, String(i));
    const replayed = await collect(events.subscribe({ ...all, since: 1n, until: nowNanos() }, never));
    assert.deepEqual([replayed.length, replayed[0], replayed.at(-1)], [256, '44', '299']);
  });

  const rows: [string, Record<string, string[]>, string[]][] = [
    ['an action', { event: ['die'] }, ['die']],
    ['an action with a suffix, by its first word', { event: ['exec_create'] }, ['exec_create: sh -c true']],
    ['a container by id prefix', { container: ['aa'] }, ['start', 'die', 'exec_create: sh -c true']],
    ['a container by name', { container: ['db'] }, ['create']],
    ['a label', { label: ['team=x'] }, ['start']],
    ['an image', { image: ['busybox'] }, ['die']],
    ['a type that did nothing', { type: ['volume'] }, []],
    ['names are AND-ed', { container: ['aa'], event: ['die', 'create'] }, ['die']],
  ];
  for (const [name, filters, expected] of rows) {
    test(`filter: ${name}`, async () => {
      const events = new EventBus();
      publish(events, 'start', 'aa1', { team: 'x' });
      publish(events, 'die', 'aa1', { image: 'busybox:latest' });
      publish(events, 'exec_create: sh -c true', 'aa1');
      publish(events, 'create', 'bb2', { name: 'db' });
      const options = { since: 1, until: Date.now() / 1000 + 0.001, filters: new Map(Object.entries(filters)) };
      assert.deepEqual(await collect(streamEvents({ events }, options, never)), expected);
    });
  }

  test('an unknown filter is refused', () => {
    const filters = new Map([['dream', ['x']]]);
    assert.throws(() => streamEvents({ events: new EventBus() }, { filters }, never), /invalid filter 'dream'/);
  });
});
