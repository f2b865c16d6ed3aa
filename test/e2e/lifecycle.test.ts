import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { dockerSince } from '../harness/target.ts';

const engine = useDaemon();

test('run: a container prints, ends with its own code, and its output is kept', async () => {
  const { code, stdout, stderr } = await engine.sh('echo out; echo err >&2; exit 7');
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
});

test('create, start, stop, start again, remove', async () => {
  const id = await engine.create({ Cmd: ['sleep', '1000'] }, 'again');
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal((await engine.inspect(id)).State.Status, 'created');
  await engine.start(id);
  const { State: running } = await engine.inspect(id);
  assert.deepEqual([running.Status, running.Running, running.ExitCode], ['running', true, 0]);
  assert.ok(running.Pid > 0);
  assert.equal((await engine.api('POST', `/containers/${id}/start`)).status, 304);
  assert.equal((await engine.api('POST', `/containers/${id}/stop?t=0`)).status, 204);
  const { State: stopped } = await engine.inspect(id);
  assert.deepEqual([stopped.Status, stopped.Running, stopped.ExitCode, stopped.Pid], ['exited', false, 137, 0]);
  assert.equal((await engine.api('POST', `/containers/${id}/stop`)).status, 304);
  await engine.start(id);
  assert.equal((await engine.inspect(id)).State.Running, true);
  await engine.remove(id);
  assert.equal((await engine.api('GET', `/containers/${id}/json`)).status, 404);
});

test('what a container writes is there when it starts again', async () => {
  const id = await engine.started({ Cmd: ['sh', '-c', 'echo x >> /root/count; wc -l < /root/count'] });
  await engine.wait(id);
  await engine.start(id);
  await engine.wait(id);
  assert.equal((await engine.logs(id)).stdout.replaceAll(' ', ''), '1\n2\n');
  await engine.remove(id);
});

describe('stop', () => {
  test('sends the stop signal first and waits for the program', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'trap "echo got it; exit 5" TERM; echo up; while :; do sleep 0.05; done'],
    });
    await engine.logged(id, 'up');
    assert.equal((await engine.api('POST', `/containers/${id}/stop?t=10`)).status, 204);
    assert.equal((await engine.inspect(id)).State.ExitCode, 5);
    assert.match((await engine.logs(id)).stdout, /got it/);
    await engine.remove(id);
  });

  test('uses the configured signal', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'trap "exit 9" USR1; echo up; while :; do sleep 0.05; done'],
      StopSignal: 'SIGUSR1',
    });
    await engine.logged(id, 'up');
    await engine.api('POST', `/containers/${id}/stop`);
    assert.equal((await engine.inspect(id)).State.ExitCode, 9);
    await engine.remove(id);
  });

  test('takes a signal with the request', dockerSince('23.0'), async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'trap "exit 4" INT; echo up; while :; do sleep 0.05; done'],
    });
    await engine.logged(id, 'up');
    await engine.api('POST', `/containers/${id}/stop?signal=SIGINT`);
    assert.equal((await engine.inspect(id)).State.ExitCode, 4);
    await engine.remove(id);
  });

  test('kills after the timeout', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'trap "" TERM; echo up; sleep 1000'], StopTimeout: 1 });
    await engine.logged(id, 'up');
    const began = Date.now();
    await engine.api('POST', `/containers/${id}/stop`);
    assert.ok(Date.now() - began >= 900, 'it waited');
    assert.equal((await engine.inspect(id)).State.ExitCode, 137);
    await engine.remove(id);
  });
});

describe('kill', () => {
  for (const [signal, code] of [
    ['', 137],
    ['SIGKILL', 137],
    ['KILL', 137],
    ['9', 137],
    ['SIGQUIT', 131],
  ] as const) {
    test(`signal ${signal || 'unset'} ends the container with ${code}`, async () => {
      const id = await engine.started({
        Cmd: ['sh', '-c', 'trap "exit 131" QUIT; echo up; while :; do sleep 0.05; done'],
      });
      await engine.logged(id, 'up');
      assert.equal((await engine.api('POST', `/containers/${id}/kill${signal && `?signal=${signal}`}`)).status, 204);
      assert.equal(await engine.wait(id), code);
      await engine.remove(id);
    });
  }

  test('of a stopped container is a conflict', async () => {
    const id = await engine.create();
    const answer = await engine.api('POST', `/containers/${id}/kill`);
    assert.equal(answer.status, 409);
    assert.match(answer.json.message, new RegExp(`[Cc]annot kill container: ${id}: [Cc]ontainer ${id} is not running`));
    await engine.remove(id);
  });

  test('with a signal that does not exist is refused', async () => {
    const id = await engine.sleeping();
    const answer = await engine.api('POST', `/containers/${id}/kill?signal=SIGNOPE`);
    assert.match(answer.json.message, /[Ii]nvalid signal: (SIG)?NOPE/);
    assert.equal((await engine.inspect(id)).State.Running, true);
    await engine.remove(id);
  });
});

test('restart: a new process, the same container', async () => {
  const id = await engine.sleeping();
  const before = (await engine.inspect(id)).State;
  assert.equal((await engine.api('POST', `/containers/${id}/restart?t=0`)).status, 204);
  const after = (await engine.inspect(id)).State;
  assert.equal(after.Running, true);
  assert.notEqual(after.Pid, before.Pid);
  assert.notEqual(after.StartedAt, before.StartedAt);
  await engine.remove(id);
});

describe('pause', () => {
  test('freezes and thaws', async () => {
    const id = await engine.sleeping();
    assert.equal((await engine.api('POST', `/containers/${id}/pause`)).status, 204);
    const { State } = await engine.inspect(id);
    assert.deepEqual([State.Status, State.Paused, State.Running], ['paused', true, true]);
    assert.equal((await engine.api('POST', `/containers/${id}/pause`)).status, 409);
    const exec = await engine.api('POST', `/containers/${id}/exec`, { Cmd: ['true'] });
    assert.equal(exec.status, 409);
    assert.match(exec.json.message, new RegExp(`^Container ${id} is paused, unpause the container before exec$`));
    assert.equal((await engine.api('POST', `/containers/${id}/unpause`)).status, 204);
    assert.equal((await engine.inspect(id)).State.Status, 'running');
    assert.notEqual((await engine.api('POST', `/containers/${id}/unpause`)).status, 204);
    await engine.remove(id);
  });

  test('a paused container is killed and removed by force', async () => {
    const id = await engine.sleeping();
    await engine.api('POST', `/containers/${id}/pause`);
    await engine.remove(id);
    assert.equal((await engine.api('GET', `/containers/${id}/json`)).status, 404);
  });
});

describe('remove', () => {
  test('of a running container needs force', async () => {
    const id = await engine.sleeping();
    const answer = await engine.api('DELETE', `/containers/${id}`);
    assert.equal(answer.status, 409);
    assert.match(answer.json.message, /^(You cannot remove a running container|cannot remove container)/);
    await engine.remove(id);
  });

  test('--rm removes the container and its anonymous volumes at its end', async () => {
    const id = await engine.create({ Cmd: ['true'], HostConfig: { AutoRemove: true }, Volumes: { '/scratch': {} } });
    const volume = (await engine.inspect(id)).Mounts[0].Name;
    const removed = engine.wait(id, 'removed');
    await engine.start(id);
    assert.equal(await removed, 0);
    assert.equal((await engine.api('GET', `/containers/${id}/json`)).status, 404);
    assert.equal((await engine.api('GET', `/volumes/${volume}`)).status, 404);
  });
});

describe('rename', () => {
  test('gives a new name and frees the old one', async () => {
    const id = await engine.create({}, 'first-name');
    assert.equal((await engine.api('POST', `/containers/${id}/rename?name=second-name`)).status, 204);
    assert.equal((await engine.inspect('second-name')).Name, '/second-name');
    assert.equal((await engine.api('GET', '/containers/first-name/json')).status, 404);
    const other = await engine.create({}, 'first-name');
    const clash = await engine.api('POST', `/containers/${other}/rename?name=second-name`);
    assert.equal(clash.status, 409);
    assert.match(
      clash.json.message,
      new RegExp(`The container name "/second-name" is already in use by container "${id}"\\. You have to remove`),
    );
    const bad = await engine.api('POST', `/containers/${other}/rename?name=${encodeURIComponent('no spaces')}`);
    assert.match(
      bad.json.message,
      /Invalid container name \(\/?no spaces\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
    );
    await engine.remove(id);
    await engine.remove(other);
  });
});

test('prune removes what is stopped and says what', async () => {
  const stopped = await engine.create({ Labels: { prune: 'me' } });
  const kept = await engine.sleeping({ Labels: { prune: 'me' } });
  const filters = encodeURIComponent(JSON.stringify({ label: ['prune=me'] }));
  const answer = await engine.api('POST', `/containers/prune?filters=${filters}`);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.ContainersDeleted, [stopped]);
  await engine.remove(kept);
});

const psRuns = spawnSync('ps', ['-ef']).status === 0;

test('top shows the processes inside', { skip: !psRuns && 'the kernel tells ps no boot time' }, async () => {
  const id = await engine.started({ Cmd: ['sh', '-c', 'echo up; sleep 1000'], StopSignal: 'SIGKILL' });
  await engine.logged(id, 'up');
  const { json } = await engine.api('GET', `/containers/${id}/top`);
  assert.ok(json.Titles.includes('PID'));
  assert.ok(json.Processes.some((row: string[]) => row.join(' ').includes('sleep 1000')));
  const chosen = await engine.api('GET', `/containers/${id}/top?ps_args=-o%20pid,comm`);
  assert.deepEqual(chosen.json.Titles, ['PID', 'COMMAND']);
  await engine.remove(id);
});

describe('exit codes of commands that cannot start', () => {
  for (const [name, Cmd, code, message] of [
    ['no such command', ['nope'], 127, /executable file not found/],
    ['no such path', ['/nope'], 127, /no such file or directory/],
    ['a directory', ['/etc'], 126, /(permission denied|is a directory)/],
    ['a file without the bit', ['/etc/not-executable'], 126, /permission denied/],
  ] as const) {
    test(`${name}: ${code}`, async () => {
      const id = await engine.create({ Cmd });
      const answer = await engine.api('POST', `/containers/${id}/start`);
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.json.message, message);
      const { State } = await engine.inspect(id);
      assert.deepEqual([State.ExitCode, State.Status, State.Running], [code, 'created', false]);
      assert.match(State.Error, message);
      await engine.remove(id);
    });
  }
});
