import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { EventLog } from './event-log.ts';
import { EventBus } from './events.ts';

const never = new AbortController().signal;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wharf-events-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(more: { fileSize?: number; files?: number } = {}) {
  const history = new EventLog({ directory, warn: (error) => assert.fail(String(error)), ...more });
  return { history, bus: new EventBus(history) };
}

const until = (time: bigint) => ({ since: 1n, until: time, accepts: () => true });

/** Publishes `count` events, a nanosecond apart, from `first` on. */
function publish(bus: EventBus, first: number, count: number): void {
  for (let number = first; number < first + count; number++) {
    const name = `n${number} <é>`;
    bus.publish({ type: 'container', action: String(number), id: 'x', attributes: { name }, time: BigInt(number) });
  }
}

async function actions(bus: EventBus, bounds: { since: bigint; until: bigint }): Promise<string[]> {
  const found: string[] = [];
  for await (const event of bus.subscribe({ ...bounds, accepts: () => true }, never)) found.push(event.Action);
  return found;
}

function numbers(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
}

describe('events on disk', () => {
  test('more than memory holds, in order, each once', async () => {
    const { bus, history } = open();
    publish(bus, 1, 1000);
    assert.deepEqual(await actions(bus, { since: 1n, until: 2000n }), numbers(1, 1000));
    history.close();
  });

  test('a new daemon finds them whole, also behind half a line', async () => {
    const first = open();
    publish(first.bus, 1, 10);
    first.history.close();
    appendFileSync(join(directory, readdirSync(directory)[0]!), '{"Type":"contai');
    const second = open();
    publish(second.bus, 11, 2);
    const found = [];
    for await (const event of second.bus.subscribe(until(100n), never)) found.push(event);
    assert.deepEqual(
      found.map(({ Action }) => Action),
      numbers(1, 12),
    );
    assert.equal(found[3]!.timeNano, 4n);
    assert.equal(found[3]!.Actor.Attributes.name, 'n4 <é>');
    assert.equal(readdirSync(directory).length, 1);
    second.history.close();
  });

  test('files are bounded, the oldest go, and since opens those it needs', async () => {
    const { bus, history } = open({ fileSize: 2000, files: 3 });
    for (let first = 1; first <= 300; first += 10) {
      publish(bus, first, 10);
      // Each write is the events of one turn.
      history.read(1n, 1n);
    }
    const files = readdirSync(directory).sort();
    assert.equal(files.length, 3);
    const oldest = Number(files[0]!.slice(0, 20));
    assert.ok(oldest > 200);
    assert.deepEqual(await actions(bus, { since: 1n, until: 1000n }), numbers(oldest, 300));
    rmSync(join(directory, files[0]!));
    assert.deepEqual(await actions(bus, { since: 290n, until: 295n }), numbers(290, 295));
    history.close();
  });

  test('what is published while the past is being read comes behind it, once', async () => {
    const { bus, history } = open();
    publish(bus, 1, 300);
    const stop = new AbortController();
    const found: string[] = [];
    for await (const { Action } of bus.subscribe({ since: 1n, accepts: () => true }, stop.signal)) {
      if (found.push(Action) === 5) publish(bus, 301, 2);
      if (Action === '302') stop.abort();
    }
    assert.deepEqual(found, numbers(1, 302));
    history.close();
  });
});
