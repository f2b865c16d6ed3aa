import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { dockerSince, target, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

interface Event {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Record<string, string> };
  readonly timeNano: number;
}

async function eventsOf(query: string): Promise<Event[]> {
  // A little later than now: our clock is coarser than the events'.
  const until = (Date.now() / 1000 + 0.02).toFixed(9);
  const answer = await engine.api('GET', `/events?until=${until}&${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

function filters(value: Record<string, readonly string[]>): string {
  return `filters=${encodeURIComponent(JSON.stringify(value))}`;
}

describe('wait', () => {
  test('answers headers at once, the body at the end', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'read x; exit 6'], OpenStdin: true });
    const open = await engine.daemon.open('POST', `/containers/${id}/wait`);
    assert.equal(open.status, 200);
    const writer = await engine.daemon.open('POST', `/containers/${id}/attach?stream=1&stdin=1`, undefined, {
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    });
    writer.socket.write('\n');
    let text = '';
    for await (const chunk of open.body) text += chunk.toString();
    assert.equal(JSON.parse(text).StatusCode, 6);
    open.socket.destroy();
    writer.socket.destroy();
    await engine.remove(id);
  });

  test('not-running: of a container that has not started answers at once', async () => {
    const id = await engine.create();
    assert.equal(await engine.wait(id, 'not-running'), 0);
    await engine.remove(id);
  });

  test('next-exit: of a stopped container waits for its next run', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'test -e /root/x && exit 8; touch /root/x'] });
    await engine.wait(id);
    const next = await engine.daemon.open('POST', `/containers/${id}/wait?condition=next-exit`);
    await engine.start(id);
    let text = '';
    for await (const chunk of next.body) text += chunk.toString();
    assert.equal(JSON.parse(text).StatusCode, 8);
    next.socket.destroy();
    await engine.remove(id);
  });

  test('removed: waits past the exit', async () => {
    const id = await engine.started({ Cmd: ['true'] });
    await engine.wait(id);
    const removed = await engine.daemon.open('POST', `/containers/${id}/wait?condition=removed`);
    await engine.remove(id);
    let text = '';
    for await (const chunk of removed.body) text += chunk.toString();
    assert.equal(JSON.parse(text).StatusCode, 0);
    removed.socket.destroy();
  });

  test('a condition that is none', dockerSince('23.0'), async () => {
    const id = await engine.create();
    const answer = await engine.api('POST', `/containers/${id}/wait?condition=dream`);
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /invalid condition: "dream"/);
    await engine.remove(id);
  });
});

describe('events', () => {
  test('of a whole life, in order, with what clients look for', async () => {
    const id = await engine.create({ Cmd: ['sh', '-c', 'exit 3'], Labels: { team: 'a' } }, 'watched');
    await engine.start(id);
    await engine.wait(id);
    await engine.remove(id);
    const events = await eventsOf(`since=0&${filters({ container: [id], type: ['container'] })}`);
    assert.deepEqual(
      events.map((event) => event.Action),
      ['create', 'start', 'die', 'destroy'],
    );
    const die = events[2]!;
    assert.equal(die.Actor.ID, id);
    assert.deepEqual(
      [die.Actor.Attributes.name, die.Actor.Attributes.image, die.Actor.Attributes.exitCode, die.Actor.Attributes.team],
      ['watched', 'busybox', '3', 'a'],
    );
    const times = events.map((event) => event.timeNano);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test('die comes before what it lets go of', async () => {
    const id = await engine.started({ Cmd: ['true'], HostConfig: { Binds: ['let-go:/data'] } });
    await engine.wait(id);
    await engine.remove(id);
    const events = (await eventsOf('since=0')).filter(
      ({ Actor }) => Actor.ID === id || Actor.Attributes.container === id,
    );
    const said = events.map((event) => `${event.Type} ${event.Action}`);
    assert.deepEqual(said.slice(said.indexOf('container start')), [
      'container start',
      'container die',
      'network disconnect',
      'volume unmount',
      'container destroy',
    ]);
  });

  test('stop says kill, die, stop', async () => {
    const id = await engine.sleeping();
    await engine.api('POST', `/containers/${id}/stop?t=1`);
    const events = await eventsOf(`since=0&${filters({ container: [id], type: ['container'] })}`);
    assert.deepEqual(events.map((event) => event.Action).slice(2), ['kill', 'die', 'stop']);
    await engine.remove(id);
  });

  test('of pause, rename, exec, restart and kill', async () => {
    const id = await engine.sleeping({}, 'busy');
    await engine.api('POST', `/containers/${id}/pause`);
    await engine.api('POST', `/containers/${id}/unpause`);
    await engine.api('POST', `/containers/${id}/rename?name=busier`);
    await engine.exec(id, ['true']);
    await engine.api('POST', `/containers/${id}/restart?t=0`);
    const actions = (await eventsOf(`since=0&${filters({ container: [id], type: ['container'] })}`)).map(
      (e) => e.Action,
    );
    for (const wanted of [
      'pause',
      'unpause',
      'rename',
      'exec_create: true',
      'exec_start: true',
      'exec_die',
      'restart',
    ]) {
      assert.ok(
        actions.some((action) => action.trim() === wanted),
        `${wanted} in ${actions}`,
      );
    }
    await engine.remove(id);
  });

  test('of volumes, networks and images', async () => {
    await engine.api('POST', '/volumes/create', { Name: 'ev' });
    await engine.api('DELETE', '/volumes/ev');
    const network = (await engine.api('POST', '/networks/create', { Name: 'evnet' })).json.Id;
    await engine.api('DELETE', `/networks/${network}`);
    await engine.api('POST', '/images/busybox/tag?repo=ev&tag=1');
    await engine.api('DELETE', '/images/ev:1');
    const summary = (await eventsOf('since=0')).map((event) => `${event.Type} ${event.Action}`);
    for (const wanted of [
      'volume create',
      'volume destroy',
      'network create',
      'network destroy',
      'image tag',
      'image untag',
    ]) {
      assert.ok(summary.includes(wanted), `${wanted} in ${summary}`);
    }
  });

  test('arrive live, filtered, and the stream ends at until', async () => {
    const live = await engine.daemon.open('GET', `/events?${filters({ event: ['destroy'], label: ['live'] })}`);
    assert.equal(live.status, 200);
    const other = await engine.create();
    await engine.remove(other);
    const id = await engine.create({ Labels: { live: '' } });
    await engine.remove(id);
    const first = await live.body.next();
    const event = JSON.parse(String(first.value));
    assert.deepEqual([event.Action, event.Actor.ID], ['destroy', id]);
    live.socket.destroy();
  });

  test('since in the past replays', async () => {
    const before = (Date.now() / 1000).toFixed(9);
    const id = await engine.create();
    await engine.remove(id);
    const events = await eventsOf(`since=${before}&${filters({ container: [id] })}`);
    assert.deepEqual(
      events.map((event) => event.Action),
      ['create', 'destroy'],
    );
  });

  test('attributes that clients read', async () => {
    const id = await engine.sleeping({ Labels: { team: 'b' }, HostConfig: { Binds: ['attrs:/data:ro'] } }, 'before');
    await engine.api('POST', `/containers/${id}/rename?name=after`);
    await engine.exec(id, ['true']);
    await engine.api('POST', `/containers/${id}/kill?signal=KILL`);
    await engine.wait(id);
    await engine.remove(id);
    await engine.api('DELETE', '/volumes/attrs');
    const events = await eventsOf('since=0');
    const of = (type: string, action: string, actor?: string) => {
      const found = events.filter(
        (event) => event.Type === type && event.Action.split(':')[0] === action && (!actor || event.Actor.ID === actor),
      );
      return found.at(-1)!.Actor.Attributes;
    };
    const base = { image: 'busybox', team: 'b' };
    assert.deepEqual(of('container', 'create', id), { ...base, name: 'before' });
    assert.deepEqual(of('container', 'rename', id), { ...base, name: 'after', oldName: '/before' });
    assert.deepEqual(of('container', 'kill', id), { ...base, name: 'after', signal: '9' });
    const { execID, ...rest } = of('container', 'exec_create', id);
    assert.match(execID!, /^[0-9a-f]{64}$/);
    assert.deepEqual(rest, { ...base, name: 'after' });
    assert.equal(of('container', 'exec_start', id).execID, execID);
    assert.deepEqual(of('container', 'exec_die', id), { ...base, name: 'after', execID, exitCode: '0' });
    const { execDuration, ...die } = of('container', 'die', id);
    assert.match(execDuration ?? '0', /^\d+$/);
    assert.deepEqual(die, { ...base, name: 'after', exitCode: '137' });
    assert.deepEqual(of('network', 'connect'), { container: id, name: 'bridge', type: 'bridge' });
    const mount = { driver: 'local', container: id, destination: '/data', 'read/write': 'false', propagation: '' };
    assert.deepEqual(of('volume', 'mount', 'attrs'), mount);
    assert.deepEqual(of('volume', 'unmount', 'attrs'), { driver: 'local', container: id });
    assert.deepEqual(of('volume', 'destroy', 'attrs'), { driver: 'local' });
  });

  for (const [accept, contentType, first] of [
    ['application/json', 'application/json', '{'],
    ['application/x-ndjson', 'application/x-ndjson', '{'],
    ['application/jsonl', 'application/jsonl', '{'],
    ['application/json-seq', 'application/json-seq', '\x1e'],
    ['text/html', 'application/json', '{'],
  ] as const) {
    test(`Accept: ${accept}`, dockerSince('29.0'), async () => {
      const until = (Date.now() / 1000 + 0.02).toFixed(9);
      const answer = await engine.daemon.api('GET', `/events?until=${until}`, undefined, {
        headers: { Accept: accept },
      });
      assert.equal(answer.headers['content-type'], contentType);
      assert.equal(answer.text[0], first);
    });
  }

  test('flat fields below 1.52 alone', async () => {
    const id = await engine.create({}, 'flat');
    await engine.remove(id);
    const until = (Date.now() / 1000 + 0.02).toFixed(9);
    const query = `until=${until}&${filters({ container: [id], event: ['create'] })}`;
    const old = JSON.parse((await engine.api('GET', `/v1.41/events?${query}`)).text.trim());
    assert.deepEqual([old.status, old.id, old.from], ['create', id, 'busybox']);
    const now = JSON.parse((await engine.api('GET', `/events?${query}`)).text.trim());
    if (target === 'wharf')
      assert.deepEqual(Object.keys(now), ['Type', 'Action', 'Actor', 'scope', 'time', 'timeNano']);
  });

  test('outlive a daemon that is killed', wharfOnly(), async () => {
    const begin = (Date.now() / 1000).toFixed(9);
    const id = await engine.create({}, 'remembered');
    await engine.daemon.kill();
    await engine.daemon.start();
    await engine.remove(id);
    const events = await eventsOf(`since=${begin}&${filters({ container: ['remembered'] })}`);
    assert.deepEqual(
      events.map(({ Action }) => Action),
      ['create', 'destroy'],
    );
  });
});
