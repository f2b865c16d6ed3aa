import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** The process stays, so it is the log that tells when the next program took over. */
async function upgrade(): Promise<void> {
  const completed = () => engine.daemon.log.split('Daemon has completed initialization').length;
  const before = completed();
  process.kill(engine.daemon.pid, 'SIGUSR2');
  for (const deadline = Date.now() + 15_000; completed() === before; ) {
    if (Date.now() > deadline) assert.fail(`no new program took over; the log:\n${engine.daemon.log.slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('SIGUSR2 upgrades in place', () => {
  test('the same process, and containers with their log, stdin, terminal and exit code', wharfOnly(), async () => {
    const counting = await engine.started({
      Cmd: ['sh', '-c', 'for i in $(seq 40); do echo $i; sleep 0.05; done; exit 7'],
    });
    const shell = await engine.started({ Cmd: ['sh'], Tty: true, OpenStdin: true });
    const pids = [(await engine.inspect(counting)).State.Pid, (await engine.inspect(shell)).State.Pid];
    const { pid } = engine.daemon;
    await upgrade();
    assert.ok(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(engine.daemon.dataRoot), 'the same process');
    assert.deepEqual([(await engine.inspect(counting)).State.Pid, (await engine.inspect(shell)).State.Pid], pids);
    const attached = await engine.daemon.open(
      'POST',
      `/containers/${shell}/attach?stream=1&stdin=1&stdout=1`,
      undefined,
      {
        headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
      },
    );
    attached.socket.write('exit 9\n');
    assert.equal(await engine.wait(shell), 9);
    attached.socket.destroy();
    assert.equal(await engine.wait(counting), 7);
    const lines = Array.from({ length: 40 }, (_, index) => `${index + 1}\n`).join('');
    assert.equal((await engine.logs(counting)).stdout, lines);
    await engine.remove(counting);
    await engine.remove(shell);
  });

  test('ten times while containers come and go', wharfOnly(), async () => {
    for (let round = 0; round < 10; round += 1) {
      const work = Promise.allSettled(
        Array.from({ length: 4 }, async (_, index) => {
          await engine.started({ Cmd: ['sh', '-c', `exit ${index}`] }, `u${round}-${index}`);
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 10 * round));
      await upgrade();
      await work;
      const { json } = await engine.api('GET', '/containers/json?all=1');
      for (const { Id, Names } of json as { Id: string; Names: string[] }[]) {
        if ((await engine.inspect(Id)).State.Status === 'created') await engine.start(Id);
        assert.equal(await engine.wait(Id), Number(Names[0]!.at(-1)), Names[0]!);
        await engine.remove(Id);
      }
    }
  });
});
