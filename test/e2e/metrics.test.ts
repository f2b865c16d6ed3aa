import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon({ flags: ['--metrics-addr', '127.0.0.1:9323'] });

async function curl(path: string): Promise<string> {
  const argv = ['curl', '-s', '-w', '%{http_code} %{content_type}', `http://127.0.0.1:9323${path}`];
  return (await engine.daemon.sandbox.run(argv)).stdout;
}

describe('metrics', () => {
  test('a running container is counted and measured; one that has ended is only counted', async () => {
    const id = await engine.started(
      { Cmd: ['sh', '-c', 'while :; do :; done'], StopSignal: 'SIGKILL', HostConfig: { Memory: 64 << 20 } },
      'measured',
    );
    const text = await curl('/metrics');
    assert.match(text, /200 text\/plain; version=0\.0\.4$/);
    const sample = (name: string, more = '') => {
      const line = text
        .split('\n')
        .find((each) => each.startsWith(`wharf_container_${name}{id="${id}",name="measured"${more}`));
      assert.ok(line, `${name}${more} is in:\n${text}`);
      return Number(line.slice(line.lastIndexOf(' ') + 1));
    };
    assert.ok(text.includes('engine_daemon_container_states_containers{state="running"} 1\n'));
    assert.ok(sample('cpu_seconds_total') > 0);
    assert.ok(sample('memory_usage_bytes') > 0);
    assert.equal(sample('memory_limit_bytes'), 64 << 20);
    assert.ok(sample('processes') >= 1);
    assert.ok(sample('io_bytes_total', ',operation="read"') >= 0);
    assert.ok(sample('network_receive_bytes_total', ',device="eth0"') >= 0);

    await engine.api('POST', `/containers/${id}/kill`);
    await engine.wait(id);
    const after = await curl('/metrics');
    assert.ok(after.includes('engine_daemon_container_states_containers{state="stopped"} 1\n'));
    assert.ok(!after.includes(id));
  });

  test('nothing else is served there', async () => {
    assert.match(await curl('/containers/json'), /^404 page not found\n404 /);
  });
});
