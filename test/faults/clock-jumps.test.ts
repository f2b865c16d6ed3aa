import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

/** The host's clock is set while containers run: daemon and supervisor are told another time by libfaketime. */
const directory = mkdtempSync(join(tmpdir(), 'clock-'));
const offset = join(directory, 'offset');
setClock('+0');
after(() => rmSync(directory, { recursive: true }));

const engine = useDaemon({
  env: {
    LD_PRELOAD: '/usr/$LIB/faketime/libfaketimeMT.so.1',
    FAKETIME_TIMESTAMP_FILE: offset,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  },
});

function setClock(by: string): void {
  writeFileSync(offset, by);
}

/** Every jump, from where the clock was before. */
const jumps = ['+2d', '-3d', '+1h', '+0'];

async function until<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new assert.AssertionError({ message: what });
}

describe('the clock jumps', wharfOnly(), () => {
  test('the daemon goes by it', async () => {
    for (const [by, days] of [
      ['+2d', 2],
      ['-3d', -3],
      ['+0', 0],
    ] as const) {
      setClock(by);
      const { json } = await engine.api('GET', '/info');
      assert.ok(Math.abs(Date.parse(json.SystemTime) - Date.now() - days * 86_400_000) < 43_200_000, json.SystemTime);
    }
  });

  test('no line of a log is lost, doubled or out of its place', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.005; done'],
      StopSignal: 'SIGKILL',
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '4k', 'max-file': '1000' } } },
    });
    const follower = await engine.daemon.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    const followed: Buffer[] = [];
    const following = (async () => {
      for await (const chunk of follower.body) followed.push(chunk);
    })();
    let expected = 0;
    for (const by of jumps) {
      setClock(by);
      expected += 60;
      await engine.logged(id, `line ${expected}\n`);
    }
    await engine.api('POST', `/containers/${id}/kill`);
    await following;
    const { stdout } = await engine.logs(id);
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.length >= expected);
    assert.equal(
      lines.findIndex((line, index) => line !== `line ${index + 1}`),
      -1,
    );
    assert.equal((await engine.logs(id, '&tail=3')).stdout, `${lines.slice(-3).join('\n')}\n`);
    assert.equal(
      Buffer.concat(followed)
        .toString()
        .match(/line \d+\n/g)?.length,
      lines.length,
    );
    await engine.remove(id);
  });

  test('what has happened is told, in the order in which it happened', async () => {
    const ids: string[] = [];
    for (const by of jumps) {
      setClock(by);
      ids.push(await engine.create({ Cmd: ['true'] }));
    }
    const to = Math.ceil(Date.now() / 1000) + 10;
    const filters = encodeURIComponent(JSON.stringify({ event: ['create'], container: ids }));
    const open = await engine.daemon.open('GET', `/events?since=1&until=${to - 10}&filters=${filters}`);
    const chunks: Buffer[] = [];
    for await (const chunk of open.body) chunks.push(chunk);
    const told = Buffer.concat(chunks)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).Actor.ID);
    // What has a time that is yet to come is not told before.
    assert.deepEqual(
      told,
      [ids[1], ids[3]].filter((id) => told.includes(id)),
    );
    assert.ok(told.includes(ids[3]) && told.includes(ids[1]), `${told.length} of them`);
    for (const id of ids) await engine.remove(id);
  });

  test('containers are up since a time that makes sense', async () => {
    const id = await engine.sleeping();
    for (const by of jumps) {
      setClock(by);
      const { json } = await engine.api('GET', '/containers/json');
      const { Status } = json.find(({ Id }: { Id: string }) => Id === id);
      assert.match(
        Status,
        /^Up (Less than a second|\d+ (second|minute|hour|day)s?|About an? (minute|hour)|1 second)$/,
        by,
      );
    }
    await engine.remove(id);
  });

  test('a stop waits as long as it was told, whatever the clock says meanwhile', async () => {
    for (const by of ['+2d', '-3d', '+0']) {
      const id = await engine.started({ Cmd: ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'] });
      await engine.logged(id, 'up');
      const begin = performance.now();
      const stopped = engine.api('POST', `/containers/${id}/stop?t=1`);
      setClock(by);
      assert.equal((await stopped).status, 204);
      const took = performance.now() - begin;
      assert.ok(took > 900 && took < 8000, `${by}: ${took} ms`);
      assert.equal((await engine.inspect(id)).State.ExitCode, 137);
      await engine.remove(id);
    }
  });

  test('health is checked, and what ends is started again, at their own pace', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'sleep 0.1; exit 1'],
      HostConfig: { RestartPolicy: { Name: 'always' } },
      StopSignal: 'SIGKILL',
    });
    const healthy = await engine.sleeping({
      Healthcheck: { Test: ['CMD-SHELL', 'echo x >>/checks; test -e /well'], Interval: 30_000_000, Retries: 1 },
    });
    for (const by of jumps) {
      setClock(by);
      const checks = async () => Number((await engine.exec(healthy, ['sh', '-c', 'cat /checks | wc -l'])).stdout);
      const [restarts, before] = [(await engine.inspect(id)).RestartCount, await checks()];
      await until(async () => (await checks()) > before + 1, `${by}: its health is not checked`);
      // The policy's own delay doubles with each failure.
      if (restarts < 4)
        await until(async () => (await engine.inspect(id)).RestartCount > restarts, `${by}: not started`);
    }
    await engine.exec(healthy, ['touch', '/well']);
    await until(async () => (await engine.inspect(healthy)).State.Health.Status === 'healthy', 'it stays unhealthy');
    for (const one of [id, healthy]) await engine.remove(one);
  });
});
