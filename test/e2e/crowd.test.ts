import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { target } from '../harness/target.ts';

const engine = useDaemon();

/** How many runs one after another; the promise is 5,000. */
const rounds = Number(process.env.WHARF_TEST_ROUNDS ?? (target === 'docker' ? 10 : 100));
const crowd = Number(process.env.WHARF_TEST_CROWD ?? (target === 'docker' ? 20 : 200));

/** Descriptors that come and go by themselves: namespaces made ahead, connections kept. A leak is one a container. */
const spare = 12;

interface Level {
  readonly descriptors: number;
  /** Kilobytes resident. */
  readonly memory: number;
  readonly kernelObjects: readonly string[];
}

async function level(): Promise<Level> {
  const { pid, sandbox } = engine.daemon;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)![1]),
    kernelObjects: (await sandbox.leftovers()).toSorted(),
  };
}

/** Waits for what the daemon clears away behind its answers, then compares. */
async function assertLevel(before: Level): Promise<void> {
  const added = (later: Level) => later.kernelObjects.filter((line) => !before.kernelObjects.includes(line));
  let now = await level();
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; now = await level()) {
    if (now.descriptors <= before.descriptors + spare && added(now).length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (target === 'docker') return;
  assert.deepEqual(added(now), [], 'kernel objects are left');
  assert.ok(
    now.descriptors <= before.descriptors + spare,
    `${before.descriptors} descriptors before, ${now.descriptors} now`,
  );
}

async function runOnce(index: number): Promise<void> {
  const id = await engine.create({
    Cmd: ['sh', '-c', `echo ${index}; exit ${index % 200}`],
    HostConfig: { AutoRemove: true },
  });
  const open = await engine.daemon.open('POST', `/containers/${id}/wait?condition=removed`);
  await engine.start(id);
  let text = '';
  for await (const chunk of open.body) text += chunk.toString();
  open.socket.destroy();
  assert.equal(JSON.parse(text).StatusCode, index % 200);
}

describe('many containers', () => {
  test(`${crowd} run --rm at once: none fails, nothing leaks`, async () => {
    await runOnce(0);
    const before = await level();
    await Promise.all(Array.from({ length: crowd }, (_, index) => runOnce(index)));
    assert.deepEqual((await engine.api('GET', '/containers/json?all=1')).json, []);
    await assertLevel(before);
  });

  test(`${rounds} in a row: none fails, nothing leaks, memory stays`, async () => {
    for (let warm = 0; warm < 20 && warm < rounds; warm += 1) await runOnce(warm);
    const before = await level();
    for (let round = 0; round < rounds; round += 1) await runOnce(round);
    await assertLevel(before);
    const after = await level();
    assert.ok(after.memory < before.memory * 1.5 + 30_000, `${before.memory} kB before, ${after.memory} kB after`);
  });

  test('clients that leave in the middle leave nothing behind', async () => {
    const before = await level();
    const id = await engine.sleeping();
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const urls = [
          `/containers/${id}/logs?stdout=1&follow=1`,
          '/events',
          `/containers/${id}/attach?stream=1&stdout=1`,
        ];
        const open = await engine.daemon.open(index % 3 === 2 ? 'POST' : 'GET', urls[index % 3]!);
        open.socket.destroy();
      }),
    );
    await engine.remove(id);
    await assertLevel(before);
  });

  test('everything at once on one container is told apart', async () => {
    const id = await engine.create({ Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' });
    const starts = await Promise.all(Array.from({ length: 8 }, () => engine.api('POST', `/containers/${id}/start`)));
    // dockerd says 204 to more than one of them now and then.
    if (target !== 'docker')
      assert.deepEqual(starts.map((answer) => answer.status).toSorted(), [204, ...Array(7).fill(304)]);
    const stops = await Promise.all(Array.from({ length: 8 }, () => engine.api('POST', `/containers/${id}/stop?t=5`)));
    assert.ok(stops.every((answer) => answer.status === 204 || answer.status === 304));
    const removes = await Promise.all(
      Array.from({ length: 8 }, () => engine.api('DELETE', `/containers/${id}?force=1`)),
    );
    assert.equal(removes.filter((answer) => answer.status === 204).length >= 1, true);
    assert.ok(removes.every((answer) => [204, 404, 409].includes(answer.status)));
  });
});
