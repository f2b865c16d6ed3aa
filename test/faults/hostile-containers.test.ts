import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { target } from '../harness/target.ts';

/** Containers that take all they can get, and do nothing that they are told. */
const engine = useDaemon();
const limits = { skip: target === 'docker' && 'the machine’s dockerd limits nothing on a hybrid hierarchy' };

/** What became of a container, as events tell it. */
async function eventsOf(id: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
  const open = await engine.daemon.open('GET', `/events?since=0&until=${Date.now() / 1000 + 0.001}&filters=${filters}`);
  const chunks: Buffer[] = [];
  for await (const chunk of open.body) chunks.push(chunk);
  open.socket.destroy();
  const lines = Buffer.concat(chunks).toString().trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line).Action);
}

/** The daemon answers others meanwhile. */
async function stillServes(): Promise<void> {
  assert.equal((await engine.sh('echo served')).stdout, 'served\n');
  assert.equal((await engine.api('GET', '/containers/json?all=1')).status, 200);
}

describe('memory', () => {
  // A shell variable that doubles: nothing is written anywhere.
  const greedy = 'a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done';
  const HostConfig = { Memory: 16 << 20, MemorySwap: 16 << 20 };

  test('one that takes too much is killed: 137, OOMKilled, and the event before its end', limits, async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', `exec sh -c '${greedy}'`], HostConfig });
    assert.equal(await engine.wait(id), 137);
    const { State } = await engine.inspect(id);
    assert.deepEqual([State.ExitCode, State.OOMKilled, State.Status], [137, true, 'exited']);
    const seen = await eventsOf(id);
    assert.ok(seen.includes('oom'), seen.join());
    await engine.start(id);
    assert.equal((await engine.inspect(id)).State.OOMKilled, false);
    await engine.remove(id);
  });

  test('a child that takes too much is killed alone', limits, async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', `sh -c '${greedy}'; echo "child $?"; exit 4`], HostConfig });
    assert.equal(await engine.wait(id), 4);
    assert.match((await engine.logs(id)).stdout, /child 137\n$/);
    assert.ok((await eventsOf(id)).includes('oom'));
    await engine.remove(id);
  });
});

describe('processes', () => {
  test('one that forks without end is held by its limit, and dies at once', limits, async () => {
    const bomb = 'b() { b | b & }; b; echo up; while :; do sleep 1; done';
    const id = await engine.started({ Cmd: ['sh', '-c', bomb], StopSignal: 'SIGKILL', HostConfig: { PidsLimit: 60 } });
    await engine.logged(id, 'up');
    await stillServes();
    const { json } = await engine.api('GET', `/containers/${id}/stats?stream=0&one-shot=1`);
    assert.ok(json.pids_stats.current <= 60, JSON.stringify(json.pids_stats));
    assert.equal(json.pids_stats.limit, 60);
    assert.equal((await engine.api('POST', `/containers/${id}/kill`)).status, 204);
    assert.equal(await engine.wait(id), 137);
    await engine.remove(id);
  });

  test('one that orphans children by the hundred leaves none', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'i=0; while [ $i -lt 200 ]; do (sleep 1000 &) ; i=$((i+1)); done; echo up; exec sleep 1000'],
      StopSignal: 'SIGKILL',
    });
    await engine.logged(id, 'up');
    await engine.remove(id);
  });
});

describe('signals', () => {
  test('one that ignores every signal is stopped when its time is up', async () => {
    const traps =
      "for s in HUP INT QUIT TERM USR1 USR2 PIPE ALRM; do trap '' $s; done; echo up; while :; do sleep 0.1; done";
    const id = await engine.started({ Cmd: ['sh', '-c', traps] });
    await engine.logged(id, 'up');
    for (const signal of ['HUP', 'INT', 'QUIT', 'TERM', 'USR1']) {
      assert.equal((await engine.api('POST', `/containers/${id}/kill?signal=${signal}`)).status, 204);
    }
    assert.equal((await engine.inspect(id)).State.Running, true);
    assert.equal((await engine.api('POST', `/containers/${id}/stop?t=1`)).status, 204);
    assert.equal((await engine.inspect(id)).State.ExitCode, 137);
    await engine.remove(id);
  });

  test('one that stopped itself, and one that is paused, are stopped', async () => {
    const stopped = await engine.started({ Cmd: ['sh', '-c', 'echo up; kill -STOP -1; sleep 1000'] });
    await engine.logged(stopped, 'up');
    const paused = await engine.sleeping();
    assert.equal((await engine.api('POST', `/containers/${paused}/pause`)).status, 204);
    for (const id of [stopped, paused]) {
      assert.equal((await engine.api('POST', `/containers/${id}/stop?t=1`)).status, 204);
      assert.equal((await engine.inspect(id)).State.ExitCode, 137);
      await engine.remove(id);
    }
  });
});

describe('output', () => {
  const memoryOf = (pid: number) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

  test('one that prints as fast as it can stays within its log, and costs the daemon nothing', async () => {
    const before = memoryOf(engine.daemon.pid);
    const id = await engine.started({
      Cmd: ['sh', '-c', 'yes 0123456789012345678901234567890123456789'],
      StopSignal: 'SIGKILL',
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '3' } } },
    });
    // 64 MB of lines, and their rotation, while others are served.
    const follower = await engine.daemon.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    let bytes = 0;
    for await (const chunk of follower.body) {
      bytes += chunk.length;
      if (bytes > 64 << 20) break;
    }
    follower.socket.destroy();
    await stillServes();
    const { stdout } = await engine.daemon.sandbox.run([
      'sh',
      '-c',
      `du -cb $(dirname $(find ${engine.daemon.dataRoot} -name '${id}-json.log'))/*-json.log* | tail -1 | cut -f1`,
    ]);
    assert.ok(Number(stdout) < 5 << 20, `the log takes ${stdout} bytes`);
    assert.ok(memoryOf(engine.daemon.pid) - before < 200, 'the daemon grew');
    await engine.remove(id);
  });

  test('a client that reads nothing of it blocks nobody else', async () => {
    const id = await engine.started({ Cmd: ['yes'], StopSignal: 'SIGKILL' });
    const lazy = await engine.daemon.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    lazy.socket.pause();
    await stillServes();
    const { stdout } = await engine.exec(id, ['echo', 'in']);
    assert.equal(stdout, 'in\n');
    lazy.socket.destroy();
    await engine.remove(id);
  });

  test('a line without an end, and bytes of every kind, come as they are', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', "head -c 3000000 /dev/zero | tr '\\0' x; printf '\\377\\376\\0\\n'"],
    });
    await engine.wait(id);
    const { stdout } = await engine.logs(id);
    assert.equal(/^x+/.exec(stdout)![0].length, 3_000_000);
    await engine.remove(id);
  });
});
