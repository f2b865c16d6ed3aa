import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** The first `count` samples of a stream. */
async function samples(id: string, count: number, query = '') {
  const open = await engine.daemon.open('GET', `/containers/${id}/stats${query}`);
  assert.equal(open.status, 200);
  let text = '';
  for await (const chunk of open.body) {
    text += chunk.toString();
    if (text.split('\n').length > count) break;
  }
  open.socket.destroy();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('stats', () => {
  test('two samples make a usage: without a stream the second is sent', async () => {
    const id = await engine.started(
      {
        Cmd: ['sh', '-c', 'while :; do :; done'],
        StopSignal: 'SIGKILL',
        HostConfig: { Memory: 64 << 20, PidsLimit: 50 },
      },
      'busy',
    );
    const [sample] = await samples(id, 1, '?stream=0');
    assert.equal(sample.name, '/busy');
    assert.equal(sample.id, id);
    assert.ok(Date.parse(sample.read) > Date.parse(sample.preread));
    const used = sample.cpu_stats.cpu_usage.total_usage - sample.precpu_stats.cpu_usage.total_usage;
    assert.ok(used > 1e8, `${used} ns of a busy loop`);
    assert.ok(sample.cpu_stats.system_cpu_usage > sample.precpu_stats.system_cpu_usage);
    assert.ok(sample.cpu_stats.online_cpus > 0);
    assert.equal(sample.memory_stats.limit, 64 << 20);
    assert.ok(sample.memory_stats.usage > 0);
    assert.ok(Object.keys(sample.memory_stats.stats).includes('active_file'));
    assert.ok(sample.pids_stats.current >= 1);
    assert.equal(sample.pids_stats.limit, 50);
    assert.deepEqual(sample.storage_stats, {});
    assert.equal(sample.num_procs, 0);
  });

  test('a stream has one a second, each with the one before', async () => {
    const id = await engine.sleeping();
    const [first, second] = await samples(id, 2);
    assert.equal(second.preread, first.read);
    assert.deepEqual(second.precpu_stats, first.cpu_stats);
    const apart = Date.parse(second.read) - Date.parse(first.read);
    assert.ok(apart > 700 && apart < 2500, `${apart} ms`);
  });

  test('one shot is at once, and has none before it', async () => {
    const id = await engine.sleeping();
    const [sample] = await samples(id, 1, '?stream=0&one-shot=1');
    assert.equal(sample.preread, '0001-01-01T00:00:00Z');
    assert.equal(sample.precpu_stats.cpu_usage.total_usage, 0);
    assert.ok(sample.cpu_stats.cpu_usage.total_usage > 0);
    assert.equal((await engine.api('GET', `/containers/${id}/stats?stream=1&one-shot=1`)).status, 400);
  });

  test('traffic of the container, by interface', async () => {
    const id = await engine.sleeping();
    const [before] = await samples(id, 1, '?stream=0&one-shot=1');
    await engine.exec(id, ['ping', '-c', '3', '-i', '0.2', await gateway(id)]);
    const [after] = await samples(id, 1, '?stream=0&one-shot=1');
    assert.deepEqual(Object.keys(after.networks), ['eth0']);
    assert.ok(after.networks.eth0.tx_packets >= before.networks.eth0.tx_packets + 3);
    assert.ok(after.networks.eth0.tx_bytes > before.networks.eth0.tx_bytes);
    const isolated = await engine.sleeping({ HostConfig: { NetworkMode: 'none' } });
    assert.equal((await samples(isolated, 1, '?stream=0&one-shot=1'))[0].networks, undefined);
  });

  test('one that does not run has nothing to tell', async () => {
    const id = await engine.create();
    const [sample] = await samples(id, 1, '?stream=0');
    assert.equal(sample.read, '0001-01-01T00:00:00Z');
    assert.deepEqual(sample.memory_stats, {});
    assert.equal((await engine.api('GET', '/containers/absent/stats')).status, 404);
  });

  test('a stream ends with the removal', wharfOnly(), async () => {
    const id = await engine.sleeping();
    const open = await engine.daemon.open('GET', `/containers/${id}/stats`);
    await open.body.next();
    await engine.remove(id);
    for await (const _ of open.body);
  });

  test('docker stats', async () => {
    await engine.sleeping({}, 'shown');
    const out = await engine.daemon.docker([
      'stats',
      '--no-stream',
      '--format',
      '{{.Name}} {{.PIDs}} {{.MemPerc}}',
      'shown',
    ]);
    assert.match(out.stdout, /^shown \d+ \d+\.\d+%\n$/, out.stderr);
  });
});

async function gateway(id: string): Promise<string> {
  return (await engine.inspect(id)).NetworkSettings.Networks.bridge.Gateway;
}
