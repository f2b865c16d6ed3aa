import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { target } from '../harness/target.ts';

const live = target === 'docker' ? ['--live-restore'] : [];
const engine = useDaemon({ flags: live });

/** kill -9, and a new daemon on the same roots. */
async function reborn(): Promise<void> {
  await engine.daemon.kill();
  await engine.daemon.start();
}

describe('the daemon is killed with -9', () => {
  test('containers go on, and what they write meanwhile is in the log', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.05; done'],
    });
    await engine.logged(id, 'line 3');
    const { Pid } = (await engine.inspect(id)).State;
    await reborn();
    const state = (await engine.inspect(id)).State;
    assert.deepEqual([state.Running, state.Pid], [true, Pid]);
    assert.equal(await engine.wait(id), 0);
    const { stdout } = await engine.logs(id);
    assert.equal(stdout, Array.from({ length: 60 }, (_, index) => `line ${index}\n`).join(''));
    await engine.remove(id);
  });

  test('an exit while it is dead is known, with its code and time', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'echo up; sleep 0.3; exit 42'] });
    await engine.logged(id, 'up');
    await engine.daemon.kill();
    await new Promise((resolve) => setTimeout(resolve, 600));
    const born = Date.now();
    await engine.daemon.start();
    const state = (await engine.inspect(id)).State;
    assert.deepEqual([state.Status, state.ExitCode], ['exited', 42]);
    if (target !== 'docker') assert.ok(Date.parse(state.FinishedAt) < born, 'it ended before the new daemon began');
    await engine.remove(id);
  });

  test('--rm is kept for those that ended meanwhile', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'echo up; sleep 0.3'], HostConfig: { AutoRemove: true } });
    await engine.logged(id, 'up');
    await engine.daemon.kill();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await engine.daemon.start();
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
      if ((await engine.api('GET', `/containers/${id}/json`)).status === 404) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail('it is still there');
  });

  test('exec, attach, stop, ports and networks work on containers from before', async () => {
    const network = await engine.api('POST', '/networks/create', { Name: 'kept' });
    const id = await engine.sleeping(
      {
        Cmd: ['nc', '-ll', '-p', '8080', '-e', 'echo', 'still here'],
        ExposedPorts: { '8080/tcp': {} },
        HostConfig: { NetworkMode: 'kept', PortBindings: { '8080/tcp': [{ HostPort: '41234' }] } },
      },
      'before',
    );
    await reborn();
    assert.equal((await engine.exec(id, ['echo', 'hi'])).stdout, 'hi\n');
    const { stdout } = await engine.daemon.sandbox.run(['busybox', 'nc', '-w', '5', '127.0.0.1', '41234']);
    assert.equal(stdout, 'still here\n');
    assert.equal(
      (await engine.sh('nc -w 5 before 8080', { HostConfig: { NetworkMode: 'kept' } })).stdout,
      'still here\n',
    );
    assert.equal((await engine.api('POST', `/containers/${id}/stop?t=1`)).status, 204);
    assert.equal((await engine.inspect(id)).State.ExitCode, 137);
    await engine.remove(id);
    assert.equal((await engine.api('DELETE', `/networks/${network.json.Id}`)).status, 204);
  });

  test('everything acknowledged is there: names, volumes, networks, tags', async () => {
    const id = await engine.create({ Labels: { a: 'b' } }, 'remembered');
    await engine.api('POST', '/volumes/create', { Name: 'remembered' });
    const network = (await engine.api('POST', '/networks/create', { Name: 'remembered' })).json.Id;
    await engine.api('POST', '/images/busybox/tag?repo=remembered&tag=1');
    await reborn();
    assert.deepEqual([(await engine.inspect('remembered')).Id, (await engine.inspect(id)).Config.Labels.a], [id, 'b']);
    assert.equal((await engine.api('GET', '/volumes/remembered')).status, 200);
    assert.equal((await engine.api('GET', '/networks/remembered')).json.Id, network);
    assert.equal((await engine.api('GET', '/images/remembered:1/json')).status, 200);
    await engine.remove(id);
    await engine.api('DELETE', '/volumes/remembered');
    await engine.api('DELETE', '/networks/remembered');
    await engine.api('DELETE', '/images/remembered:1');
  });

  test('paused containers stay paused, and thaw', { skip: target === 'docker' && 'dockerd forgets' }, async () => {
    const id = await engine.sleeping();
    await engine.api('POST', `/containers/${id}/pause`);
    await reborn();
    assert.equal((await engine.inspect(id)).State.Status, 'paused');
    assert.equal((await engine.api('POST', `/containers/${id}/unpause`)).status, 204);
    assert.equal((await engine.exec(id, ['echo', 'awake'])).stdout, 'awake\n');
    await engine.remove(id);
  });

  test('twenty times while containers come and go: each answer is right', {
    skip: target === 'docker' && 'too slow there',
  }, async () => {
    for (let round = 0; round < 20; round += 1) {
      const work = Promise.allSettled(
        Array.from({ length: 4 }, async (_, index) => {
          const name = `r${round}-${index}`;
          await engine.started({ Cmd: ['sh', '-c', `exit ${index}`] }, name);
          await engine.wait(name);
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 15 * round));
      await reborn();
      await work;
      const { json } = await engine.api('GET', '/containers/json?all=1');
      for (const { Id, Names } of json as { Id: string; Names: string[] }[]) {
        const index = Number(Names[0]!.at(-1));
        const { State } = await engine.inspect(Id);
        if (State.Status === 'created') await engine.start(Id);
        assert.equal(await engine.wait(Id), index, `${Names[0]} was ${State.Status}`);
        await engine.remove(Id);
      }
    }
  });
});
