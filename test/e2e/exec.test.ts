import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { demultiplex } from '../harness/stdcopy.ts';
import { dockerSince } from '../harness/target.ts';

const engine = useDaemon();

async function createExec(id: string, spec: Record<string, unknown>): Promise<string> {
  const answer = await engine.api('POST', `/containers/${id}/exec`, {
    AttachStdout: true,
    AttachStderr: true,
    ...spec,
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.Id;
}

test('runs a command with its own output and exit code', async () => {
  const id = await engine.sleeping();
  assert.deepEqual(await engine.exec(id, ['sh', '-c', 'echo out; echo err >&2; exit 4']), {
    code: 4,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  await engine.remove(id);
});

test('inspect tells before, while and after', async () => {
  const id = await engine.sleeping();
  const exec = await createExec(id, { Cmd: ['cat'], AttachStdin: true, User: 'user', Env: ['A=b'] });
  const before = (await engine.api('GET', `/exec/${exec}/json`)).json;
  assert.deepEqual([before.Running, before.ExitCode, before.ContainerID, before.ID], [false, null, id, exec]);
  assert.deepEqual([before.ProcessConfig.entrypoint, before.ProcessConfig.user], ['cat', 'user']);
  const open = await engine.daemon.open('POST', `/exec/${exec}/start`, { Detach: false, Tty: false });
  open.socket.write('x');
  await open.reader.exactly(9);
  const during = (await engine.api('GET', `/exec/${exec}/json`)).json;
  assert.deepEqual([during.Running, during.ExitCode], [true, null]);
  assert.ok(during.Pid > 0);
  assert.deepEqual((await engine.inspect(id)).ExecIDs, [exec]);
  open.socket.end();
  await open.reader.rest();
  open.socket.destroy();
  const after = (await engine.api('GET', `/exec/${exec}/json`)).json;
  assert.deepEqual([after.Running, after.ExitCode], [false, 0]);
  assert.equal((await engine.inspect(id)).ExecIDs, null);
  await engine.remove(id);
});

describe('user, environment, directory', () => {
  for (const [name, spec, script, stdout] of [
    [
      'a user by name, with the groups of the image',
      { User: 'user' },
      'id -u; id -g; id -G',
      '1000\n1000\n1000 2000 2001\n',
    ],
    ['a user by number', { User: '1234' }, 'id -u; id -g', '1234\n0\n'],
    ['user and group', { User: 'user:extra' }, 'id -u; id -g', '1000\n2000\n'],
    ['HOME follows the user', { User: 'user' }, 'echo $HOME', '/home/user\n'],
    ['the environment of the container and more', { Env: ['B=2'] }, 'echo $A$B', '12\n'],
    ['a directory', { WorkingDir: '/etc' }, 'pwd', '/etc\n'],
    ["the container's directory else", {}, 'pwd', '/tmp\n'],
  ] as const) {
    test(name, async () => {
      const id = await engine.sleeping({ Env: ['A=1'], WorkingDir: '/tmp' });
      assert.equal((await engine.exec(id, ['sh', '-c', script], spec)).stdout, stdout);
      await engine.remove(id);
    });
  }
});

test('stdin with half close', async () => {
  const id = await engine.sleeping();
  const exec = await createExec(id, { Cmd: ['sh', '-c', 'cat; echo end >&2'], AttachStdin: true });
  const open = await engine.daemon.open(
    'POST',
    `/exec/${exec}/start`,
    { Detach: false, Tty: false },
    {
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    },
  );
  assert.equal(open.status, 101);
  open.socket.end('a line\n');
  assert.deepEqual(demultiplex(await open.reader.rest()), { stdout: 'a line\n', stderr: 'end\n' });
  open.socket.destroy();
  await engine.remove(id);
});

test('with a terminal: raw output, and a size', async () => {
  const id = await engine.sleeping();
  const exec = await createExec(id, { Cmd: ['sh', '-c', 'read x; stty size'], AttachStdin: true, Tty: true });
  const open = await engine.daemon.open('POST', `/exec/${exec}/start`, { Detach: false, Tty: true });
  assert.equal((await engine.api('POST', `/exec/${exec}/resize?h=33&w=77`)).status, 200);
  open.socket.write('\n');
  assert.match((await open.reader.rest()).toString(), /33 77/);
  open.socket.destroy();
  await engine.remove(id);
});

test('detached: answers at once, runs on', async () => {
  const id = await engine.sleeping();
  const exec = await createExec(id, { Cmd: ['sh', '-c', 'echo made > /root/made; sleep 1000'] });
  const answer = await engine.api('POST', `/exec/${exec}/start`, { Detach: true });
  assert.equal(answer.status, 200);
  assert.equal((await engine.api('GET', `/exec/${exec}/json`)).json.Running, true);
  await engine.remove(id);
});

describe('refuses', () => {
  test('a container that does not run', async () => {
    const id = await engine.create();
    const answer = await engine.api('POST', `/containers/${id}/exec`, { Cmd: ['true'] });
    assert.equal(answer.status, 409);
    assert.match(answer.json.message, new RegExp(`^[Cc]ontainer ${id} is not running$`));
    await engine.remove(id);
  });

  test('no command', async () => {
    const id = await engine.sleeping();
    const answer = await engine.api('POST', `/containers/${id}/exec`, { Cmd: [] });
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /^No exec command specified$/i);
    await engine.remove(id);
  });

  test('a second start', async () => {
    const id = await engine.sleeping();
    const exec = await createExec(id, { Cmd: ['true'] });
    const open = await engine.daemon.open('POST', `/exec/${exec}/start`, { Detach: false });
    await open.reader.rest();
    open.socket.destroy();
    const again = await engine.api('POST', `/exec/${exec}/start`, { Detach: true });
    assert.equal(again.status, 409);
    assert.match(again.json.message, /has already run/);
    await engine.remove(id);
  });

  test('a command that is not there, with 127 or 126', dockerSince('25.0'), async () => {
    const id = await engine.sleeping();
    for (const [command, code] of [
      ['nope', 127],
      ['/etc', 126],
    ] as const) {
      const exec = await createExec(id, { Cmd: [command] });
      const open = await engine.daemon.open('POST', `/exec/${exec}/start`, { Detach: false });
      await open.reader.rest();
      open.socket.destroy();
      assert.equal((await engine.api('GET', `/exec/${exec}/json`)).json.ExitCode, code);
    }
    await engine.remove(id);
  });

  test('a user that is not there', async () => {
    const id = await engine.sleeping();
    const exec = await createExec(id, { Cmd: ['true'], User: 'nobody-here' });
    const open = await engine.daemon.open('POST', `/exec/${exec}/start`, { Detach: false });
    const text = (await open.reader.rest()).toString();
    open.socket.destroy();
    assert.match(text, /unable to find user nobody-here: no matching entries in passwd file/);
    await engine.remove(id);
  });
});

test('the end of the container ends its execs, and their clients see it', async () => {
  const id = await engine.sleeping();
  const exec = await createExec(id, { Cmd: ['sleep', '1000'] });
  const open = await engine.daemon.open('POST', `/exec/${exec}/start`, { Detach: false });
  await engine.api('POST', `/containers/${id}/kill`);
  await open.reader.rest();
  open.socket.destroy();
  await engine.wait(id);
  await engine.remove(id);
});

test('a hundred at once keep their output apart, and their exit codes are known afterwards', async () => {
  const id = await engine.sleeping();
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, index) => engine.exec(id, ['sh', '-c', `echo ${index}; exit ${index}`])),
  );
  assert.deepEqual(
    outcomes.map(({ code, stdout }) => [code, stdout]),
    outcomes.map((_, index) => [index, `${index}\n`]),
  );
  await engine.remove(id);
});
