import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { target } from '../harness/target.ts';

const engine = useDaemon();
const started = 'Daemon has completed initialization';

/** dockerd has no upgrade in place. */
const options = { skip: target === 'docker' };

test('SIGUSR2 replaces the program: no request is refused, no line and no exit code is lost', options, async () => {
  const id = await engine.started({
    Cmd: ['sh', '-c', 'i=0; while [ $i -lt 80 ]; do echo line $i; i=$((i+1)); sleep 0.02; done; exit 7'],
  });
  await engine.logged(id, 'line 3');
  const { daemon } = engine;
  const before = daemon.log.split(started).length;
  process.kill(daemon.pid, 'SIGUSR2');
  for (const deadline = Date.now() + 20_000; daemon.log.split(started).length === before; ) {
    assert.ok(Date.now() < deadline, daemon.log.slice(-2000));
    const answer = await daemon.api('GET', '/_ping').catch((error: Error & { code?: string }) => error.code);
    // A request under way may end with the old program; none may find nobody listening.
    assert.notEqual(answer, 'ECONNREFUSED');
    assert.notEqual(answer, 'ENOENT');
  }
  assert.equal((await engine.api('GET', '/version')).status, 200);
  assert.equal(await engine.wait(id), 7);
  const { stdout } = await engine.logs(id);
  assert.equal(stdout, Array.from({ length: 80 }, (_, index) => `line ${index}\n`).join(''));
  await engine.remove(id);
});
