import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

const millisecond = 1_000_000;

/** Resolves with the health that `docker inspect` shows as soon as it is `status`. */
async function becomes(id: string, status: string): Promise<{ FailingStreak: number; Log: { Output: string }[] }> {
  for (const deadline = Date.now() + 20_000; ; ) {
    const { Health } = (await engine.inspect(id)).State;
    if (Health?.Status === status) return Health;
    assert.ok(Date.now() < deadline, `the container is ${Health?.Status}, not ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function checked(script: string, fields: Record<string, unknown> = {}): Promise<string> {
  return engine.sleeping({
    Healthcheck: { Test: ['CMD-SHELL', script], Interval: 100 * millisecond, Retries: 2, ...fields },
  });
}

describe('health checks', () => {
  test('starting, healthy, and unhealthy after so many failures in a row, each with its event', async () => {
    const id = await checked('echo looking; test ! -e /root/sick');
    assert.match((await becomes(id, 'healthy')).Log.at(-1)!.Output, /looking/);
    await engine.exec(id, ['touch', '/root/sick']);
    const { FailingStreak, Log } = await becomes(id, 'unhealthy');
    assert.ok(FailingStreak >= 2 && Log.length <= 5);
    const [row] = (await engine.api('GET', '/containers/json')).json;
    assert.match(row.Status, /\(unhealthy\)$/);
    const filters = encodeURIComponent(JSON.stringify({ event: ['health_status'], container: [id] }));
    const { text } = await engine.api('GET', `/events?since=0&until=${Date.now() / 1000 + 0.1}&filters=${filters}`);
    assert.match(text, /health_status: healthy[\s\S]*health_status: unhealthy/);
    await engine.remove(id);
  });

  test('a check that hangs is killed at its timeout and counts as failed', async () => {
    const id = await checked('sleep 1000', { Timeout: 100 * millisecond });
    assert.match((await becomes(id, 'unhealthy')).Log[0]!.Output, /Health check exceeded timeout/);
    const { stdout } = await engine.exec(id, ['ps']);
    assert.equal(stdout.split('\n').filter((line) => line.includes('sleep 1000')).length <= 2, true, stdout);
    await engine.remove(id);
  });

  test('failures in the start period do not count', async () => {
    const id = await checked('test -e /root/ready', {
      StartPeriod: 60_000 * millisecond,
      StartInterval: 50 * millisecond,
    });
    await engine.exec(id, ['sleep', '0.5']);
    assert.equal((await engine.inspect(id)).State.Health.Status, 'starting');
    await engine.exec(id, ['touch', '/root/ready']);
    await becomes(id, 'healthy');
    await engine.remove(id);
  });

  test('NONE switches off what the image has', async () => {
    const id = await engine.sleeping({ Healthcheck: { Test: ['NONE'] } });
    assert.equal((await engine.inspect(id)).State.Health, undefined);
    await engine.remove(id);
  });
});
