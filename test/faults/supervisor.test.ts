import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** The supervisor of this daemon: it was started with the daemon's exec root. */
function supervisorPid(): number {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === engine.daemon.pid) continue;
    try {
      const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      if (line.includes('supervisor') && line.includes(engine.daemon.execRoot)) return Number(entry);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error('there is no supervisor');
}

async function until(done: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; ) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(what);
}

describe('the supervisor is killed with -9', () => {
  test('running containers stay, and are stopped, killed and removed as before', wharfOnly(), async () => {
    const id = await engine.sleeping({}, 'orphan');
    process.kill(supervisorPid(), 'SIGKILL');
    await until(
      async () => (await engine.sh('echo new').catch(() => undefined))?.stdout === 'new\n',
      'nothing new starts',
    );
    const { State } = await engine.inspect(id);
    assert.equal(State.Running, true);
    assert.deepEqual(await engine.exec(id, ['echo', 'alive']), { code: 0, stdout: 'alive\n', stderr: '' });
    assert.equal((await engine.api('POST', `/containers/${id}/stop?t=1`)).status, 204);
    assert.equal((await engine.inspect(id)).State.Running, false);
    await engine.remove(id);
  });

  test('an exit afterwards is seen, and restart policies hold', wharfOnly(), async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'trap "exit 3" USR1; echo up; while :; do sleep 0.05; done'],
      HostConfig: { RestartPolicy: { Name: 'always' } },
    });
    await engine.logged(id, 'up');
    process.kill(supervisorPid(), 'SIGKILL');
    await until(
      async () => (await engine.sh('echo new').catch(() => undefined))?.stdout === 'new\n',
      'nothing new starts',
    );
    // Not by the API: a container that a client has killed stays down, as with dockerd.
    await engine.exec(id, ['kill', '-USR1', '1']);
    await until(async () => (await engine.inspect(id)).RestartCount >= 1, 'it was not started again');
    await engine.remove(id);
  });

  test(
    'while containers write, and their logs rotate: what is in the log is whole, and new containers are logged',
    wharfOnly(),
    async () => {
      const id = await engine.started({
        Cmd: ['sh', '-c', 'trap "" PIPE; i=0; while :; do i=$((i+1)); echo "line $i"; done 2>/dev/null'],
        StopSignal: 'SIGKILL',
        HostConfig: {
          LogConfig: { Type: 'json-file', Config: { 'max-size': '100k', 'max-file': '1000', compress: 'true' } },
        },
      });
      await engine.logged(id, 'line 9000\n');
      process.kill(supervisorPid(), 'SIGKILL');
      await until(
        async () => (await engine.sh('echo new').catch(() => undefined))?.stdout === 'new\n',
        'nothing new starts',
      );
      const { stdout } = await engine.logs(id);
      const lines = stdout.slice(0, stdout.lastIndexOf('\n')).split('\n');
      assert.ok(lines.length >= 9000, `${lines.length} lines`);
      assert.equal(
        lines.findIndex((line, index) => line !== `line ${index + 1}`),
        -1,
      );
      await engine.remove(id);
    },
  );

  test('with the daemon at once: the next daemon finds what runs', wharfOnly(), async () => {
    const id = await engine.sleeping();
    process.kill(supervisorPid(), 'SIGKILL');
    await engine.daemon.kill();
    await engine.daemon.start();
    assert.equal((await engine.inspect(id)).State.Running, true);
    assert.equal((await engine.exec(id, ['echo', 'alive'])).stdout, 'alive\n');
    await engine.remove(id);
  });
});
