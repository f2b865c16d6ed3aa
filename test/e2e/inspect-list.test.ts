import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
async function list(query: string): Promise<any[]> {
  const answer = await engine.api('GET', `/containers/json?${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

function filters(value: Record<string, unknown>): string {
  return `filters=${encodeURIComponent(JSON.stringify(value))}`;
}

test('inspect shows what was asked for and what became of it', async () => {
  const id = await engine.create(
    {
      Cmd: ['sh', '-c', 'sleep 0.1; exit 2'],
      Env: ['A=b'],
      Labels: { l: 'v' },
      Hostname: 'host-name',
      HostConfig: { Memory: 67108864, Binds: ['/tmp:/mnt:ro'], ExtraHosts: ['x:1.2.3.4'] },
    },
    'looked-at',
  );
  const seen = await engine.inspect(id);
  assert.equal(seen.Id, id);
  assert.equal(seen.Name, '/looked-at');
  assert.match(seen.Created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  assert.deepEqual([seen.Path, seen.Args], ['sh', ['-c', 'sleep 0.1; exit 2']]);
  assert.match(seen.Image, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual([seen.Config.Image, seen.Config.Hostname, seen.Config.Labels.l], ['busybox', 'host-name', 'v']);
  assert.ok(seen.Config.Env.includes('A=b') && seen.Config.Env.some((entry: string) => entry.startsWith('PATH=')));
  assert.deepEqual(seen.State, {
    ...seen.State,
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  });
  assert.deepEqual([seen.RestartCount, seen.Platform], [0, 'linux']);
  assert.equal(seen.HostConfig.Memory, 67108864);
  assert.match(seen.HostConfig.RestartPolicy.Name, /^(no)?$/);
  assert.deepEqual(seen.HostConfig.LogConfig.Type, 'json-file');
  assert.deepEqual(
    seen.Mounts.map((mount: Record<string, unknown>) => [mount.Type, mount.Source, mount.Destination, mount.RW]),
    [['bind', '/tmp', '/mnt', false]],
  );
  assert.deepEqual(Object.keys(seen.NetworkSettings.Networks), ['bridge']);
  await engine.start(id);
  await engine.wait(id);
  const after = (await engine.inspect(id)).State;
  assert.deepEqual([after.Status, after.ExitCode], ['exited', 2]);
  assert.ok(Date.parse(after.FinishedAt) > Date.parse(after.StartedAt));
  await engine.remove(id);
});

describe('names and ids', () => {
  test('a full id, a name and a unique prefix all find it', async () => {
    const id = await engine.create({}, 'find-me');
    for (const key of [id, 'find-me', id.slice(0, 12), id.slice(0, 4)]) {
      assert.equal((await engine.inspect(encodeURIComponent(key))).Id, id, key);
    }
    await engine.remove(id);
  });

  test('a name that looks like another’s prefix wins over it', async () => {
    const first = await engine.create();
    const second = await engine.create({}, first.slice(0, 8));
    assert.equal((await engine.inspect(first.slice(0, 8))).Id, second);
    await engine.remove(second);
    await engine.remove(first);
  });

  test('an ambiguous prefix is refused', async () => {
    const made: string[] = [];
    let shared: string | undefined;
    while (!shared) {
      const id = await engine.create();
      if (made.some((other) => other[0] === id[0])) shared = id[0];
      made.push(id);
    }
    const answer = await engine.api('GET', `/containers/${shared}/json`);
    assert.match(answer.json.message, /[Mm]ultiple IDs found with provided prefix/);
    for (const id of made) await engine.remove(id);
  });

  test('a container without a name gets one of two words', async () => {
    const id = await engine.create();
    assert.match((await engine.inspect(id)).Name, /^\/[a-z]+_[a-z]+\d*$/);
    await engine.remove(id);
  });

  test('ten creates of one name at once: one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => engine.api('POST', '/containers/create?name=one', { Image: 'busybox' })),
    );
    const statuses = answers.map((answer) => answer.status).toSorted();
    assert.deepEqual(statuses, [201, ...Array(9).fill(409)]);
    await engine.remove('one');
  });
});

describe('list', () => {
  test('has running ones, all, a limit, newest first', async () => {
    const stopped = await engine.create({ Labels: { list: '1' } }, 'list-a');
    const running = await engine.sleeping({ Labels: { list: '1' } }, 'list-b');
    assert.deepEqual(
      (await list('')).map((c) => c.Id),
      [running],
    );
    assert.deepEqual(
      (await list('all=1')).map((c) => c.Id),
      [running, stopped],
    );
    assert.deepEqual(
      (await list('limit=1')).map((c) => c.Id),
      [running],
    );
    const [row] = await list('');
    assert.deepEqual(row.Names, ['/list-b']);
    assert.deepEqual([row.Image, row.Command, row.State], ['busybox', 'sleep 1000', 'running']);
    assert.match(row.ImageID, /^sha256:/);
    assert.match(row.Status, /^Up (Less than a second|\d+ seconds?)$/);
    assert.ok(Math.abs(row.Created - Date.now() / 1000) < 60);
    assert.deepEqual(row.Ports, []);
    assert.deepEqual(Object.keys(row.NetworkSettings.Networks), ['bridge']);
    const [created] = await list(`all=1&${filters({ id: [stopped] })}`);
    assert.deepEqual([created.State, created.Status], ['created', 'Created']);
    await engine.remove(stopped);
    await engine.remove(running);
  });

  test('size=1 tells what was written', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'head -c 100000 /dev/zero > /root/big'] });
    await engine.wait(id);
    const [row] = await list(`all=1&size=1&${filters({ id: [id] })}`);
    assert.ok(row.SizeRw >= 100000 && row.SizeRw < 200000, String(row.SizeRw));
    assert.ok(row.SizeRootFs > row.SizeRw);
    await engine.remove(id);
  });

  test('filters', async () => {
    const exited = await engine.started({ Cmd: ['sh', '-c', 'exit 3'], Labels: { a: '1', b: '2' } }, 'filter-one');
    await engine.wait(exited);
    const running = await engine.sleeping({ Labels: { a: '1' }, Volumes: { '/vol': {} } }, 'filter-two');
    const created = await engine.create({ Labels: { a: '2' } }, 'other-three');
    for (const [filter, expected] of [
      [{ name: ['filter'] }, [running, exited]],
      [{ name: ['^/filter-one$'] }, [exited]],
      [{ label: ['a=1'] }, [running, exited]],
      [{ label: ['a', 'b=2'] }, [exited]],
      [{ label: { a: true } }, [created, running, exited]],
      [{ status: ['running'] }, [running]],
      [{ status: ['exited', 'created'] }, [created, exited]],
      [{ exited: ['3'] }, [exited]],
      [{ id: [running.slice(0, 10)] }, [running]],
      [{ ancestor: ['busybox'] }, [created, running, exited]],
      [{ before: [running] }, [exited]],
      [{ since: [running] }, [created]],
      [{ volume: ['/vol'] }, [running]],
      [{ network: ['bridge'], status: ['running'] }, [running]],
      [{ 'is-task': ['false'], name: ['other'] }, [created]],
    ] as const) {
      const found = (await list(`all=1&${filters(filter)}`)).map((c) => c.Id);
      assert.deepEqual(found, expected, JSON.stringify(filter));
    }
    for (const id of [exited, running, created]) await engine.remove(id);
  });
});

describe('what the image gives and the container overrides', () => {
  const merged = async (spec: Record<string, unknown>) => {
    const id = await engine.create({ Image: 'configured', ...spec });
    const { Path, Args, Config } = await engine.inspect(id);
    await engine.remove(id);
    return { Path, Args, Config };
  };

  test('entrypoint, cmd, env, labels, user, directory', async () => {
    const { busyboxImage } = await import('../fixtures/image.ts');
    await engine.load(
      busyboxImage('configured:latest', {
        Entrypoint: ['echo', 'entry'],
        Cmd: ['cmd'],
        Env: ['PATH=/bin', 'FROM=image'],
        Labels: { from: 'image', both: 'image' },
        User: 'user',
        WorkingDir: '/home/user',
        StopSignal: 'SIGINT',
        ExposedPorts: { '80/tcp': {} },
      }),
    );
    const plain = await merged({});
    assert.deepEqual([plain.Path, plain.Args], ['echo', ['entry', 'cmd']]);
    assert.deepEqual(
      [plain.Config.User, plain.Config.WorkingDir, plain.Config.StopSignal, Object.keys(plain.Config.ExposedPorts)],
      ['user', '/home/user', 'SIGINT', ['80/tcp']],
    );
    assert.deepEqual((await merged({ Cmd: ['other'] })).Args, ['entry', 'other']);
    const replaced = await merged({ Entrypoint: ['printf'] });
    assert.deepEqual([replaced.Path, replaced.Args], ['printf', []]);
    assert.deepEqual((await merged({ Entrypoint: [''], Cmd: ['id'] })).Path, 'id');
    const labelled = await merged({ Labels: { both: 'container' }, Env: ['FROM=container', 'NEW=1'] });
    assert.deepEqual(labelled.Config.Labels, { from: 'image', both: 'container' });
    assert.deepEqual(labelled.Config.Env, ['FROM=container', 'NEW=1', 'PATH=/bin']);
    const out = await engine.run({
      Image: 'configured',
      Entrypoint: ['sh', '-c'],
      Cmd: ['id -un; pwd; echo $FROM $HOME'],
    });
    assert.equal(out.stdout, 'user\n/home/user\nimage /home/user\n');
    await engine.api('DELETE', '/images/configured');
  });
});
