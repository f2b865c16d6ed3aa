import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** Far more than any operation has; reaching it means that the counter is not wired. */
const mostSteps = 60;

/**
 * Runs `operation` once for each of its steps with a daemon that dies there, and `judge` with the next daemon.
 * `operation` gives whether it was acknowledged.
 */
async function atEveryStep(
  prefix: string,
  prepare: (name: string) => Promise<void>,
  operation: (name: string) => Promise<boolean>,
  judge: (name: string, acknowledged: boolean, step: number) => Promise<void>,
): Promise<number> {
  for (let step = 1; step < mostSteps; step += 1) {
    const name = `${prefix.replace('.', '')}-${step}`;
    await prepare(name);
    await engine.daemon.stop();
    await engine.daemon.start({ WHARF_FAULT_POINT: `${prefix}:${step}` });
    const acknowledged = await operation(name).catch(() => false);
    const died = await Promise.race([engine.daemon.exited.then(() => true), stillAnswers()]);
    if (!died) await engine.daemon.kill();
    await engine.daemon.start();
    await judge(name, acknowledged, step);
    await engine.api('DELETE', `/containers/${name}?force=1&v=1`);
    assert.equal((await engine.api('GET', `/containers/${name}/json`)).status, 404, `${prefix} step ${step}`);
    await assertNothingLeft(`${prefix} step ${step}`);
    if (!died) return step - 1;
  }
  throw new Error(`${prefix} has no end`);
}

/** False once the daemon has answered and had the time to die of what it does after answering. */
async function stillAnswers(): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  await engine.api('GET', '/_ping').catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  return false;
}

/** The images stay; of containers nothing does. */
async function assertNothingLeft(when: string): Promise<void> {
  const find = () => {
    const directory = join(engine.daemon.dataRoot, 'containers');
    return existsSync(directory) ? readdirSync(directory) : [];
  };
  const look = async () => [
    ...find(),
    ...(await engine.daemon.sandbox.leftovers()).filter(
      (line) => /^(mount|cgroup|link veth|process (sleep|sh|cat))/.test(line) && !base.has(line),
    ),
  ];
  let left = await look();
  for (const deadline = Date.now() + 5_000; left.length > 0 && Date.now() < deadline; left = await look()) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(left, [], when);
}

const base = new Set<string>();

const spec = {
  Cmd: ['sleep', '1000'],
  StopSignal: 'SIGKILL',
  Volumes: { '/data': {} },
  ExposedPorts: { '80/tcp': {} },
  HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '40404' }] } },
};

async function usable(name: string): Promise<void> {
  const { State } = await engine.inspect(name);
  if (!State.Running) await engine.start(name);
  const out = await engine.exec(name, ['cat', '/data/seed']);
  assert.equal(out.stdout, 'from the image\n');
}

describe('kill -9 at every step', () => {
  test('of create: the container is whole or gone', wharfOnly(), async () => {
    for (const line of await engine.daemon.sandbox.leftovers()) base.add(line);
    const steps = await atEveryStep(
      'create.',
      async () => {},
      async (name) =>
        (await engine.api('POST', `/containers/create?name=${name}`, { Image: 'busybox', ...spec })).status === 201,
      async (name, acknowledged) => {
        const { status } = await engine.api('GET', `/containers/${name}/json`);
        if (acknowledged) assert.equal(status, 200, 'it was acknowledged');
        if (status === 200) await usable(name);
        else await engine.create(spec, name);
      },
    );
    assert.ok(steps >= 3, `${steps} steps`);
  });

  test('of start: it runs or can be started', wharfOnly(), async () => {
    const steps = await atEveryStep(
      'start.',
      async (name) => void (await engine.create(spec, name)),
      async (name) => (await engine.api('POST', `/containers/${name}/start`)).status === 204,
      async (name, acknowledged) => {
        if (acknowledged) assert.equal((await engine.inspect(name)).State.Running, true, 'it was acknowledged');
        await usable(name);
      },
    );
    assert.ok(steps >= 3, `${steps} steps`);
  });

  for (const prefix of ['stop.', 'kill.', 'exit.']) {
    test(`of ${prefix.replace('.', '')}: it runs or has ended, and starts again`, wharfOnly(), async () => {
      const steps = await atEveryStep(
        prefix,
        async (name) => void (await engine.create(spec, name)),
        async (name) => {
          await engine.start(name);
          const verb = prefix === 'kill.' ? 'kill' : 'stop?t=5';
          return (await engine.api('POST', `/containers/${name}/${verb}`)).status === 204;
        },
        async (name, acknowledged) => {
          const { State } = await engine.inspect(name);
          if (acknowledged && prefix !== 'kill.') assert.equal(State.Running, false, 'it was acknowledged');
          if (!State.Running && State.Status === 'exited') assert.equal(State.ExitCode, 137);
          if (State.Running) await engine.api('POST', `/containers/${name}/kill`);
          await engine.wait(name);
          await usable(name);
        },
      );
      assert.ok(steps >= 1, `${steps} steps`);
    });
  }

  test('of exec: it runs once or not at all, and the next one runs', wharfOnly(), async () => {
    const steps = await atEveryStep(
      'exec.',
      async (name) => void (await engine.create(spec, name)),
      async (name) => {
        await engine.start(name);
        return (await engine.exec(name, ['sh', '-c', 'echo ran >>/marks'])).code === 0;
      },
      async (name, acknowledged) => {
        assert.equal((await engine.inspect(name)).State.Running, true);
        const { stdout } = await engine.exec(name, ['sh', '-c', 'cat /marks; echo next']);
        assert.match(stdout, acknowledged ? /^ran\nnext\n$/ : /^(ran\n)?next\n$/);
      },
    );
    assert.ok(steps >= 2, `${steps} steps`);
  });

  test('of remove: it is gone or can be removed', wharfOnly(), async () => {
    const volumes = async () => (await engine.api('GET', '/volumes')).json.Volumes.length;
    const steps = await atEveryStep(
      'remove.',
      async (name) => void (await engine.create(spec, name)),
      async (name) => (await engine.api('DELETE', `/containers/${name}?force=1&v=1`)).status === 204,
      async (name, acknowledged) => {
        const { status } = await engine.api('GET', `/containers/${name}/json`);
        if (acknowledged) assert.equal(status, 404, 'it was acknowledged');
        if (status === 200) await engine.remove(name);
      },
    );
    assert.ok(steps >= 3, `${steps} steps`);
    assert.equal(await volumes(), 0, 'the anonymous volumes went with their containers');
  });
});

describe('kill -9 at every step of what stands still meanwhile', () => {
  const counting = 'i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.02; done';
  const counter = async (name: string) => {
    await engine.create({ Cmd: ['sh', '-c', counting], StopSignal: 'SIGKILL' }, name);
  };
  const begun = async (name: string) => {
    await engine.start(name);
    for (;;) if (await readCount(name).catch(() => '')) return;
  };

  /** As the program itself is seen to go on, not as the record says. */
  async function goesOn(name: string): Promise<boolean> {
    const count = async () => (await readCount(name)) ?? '';
    const first = await count();
    for (const deadline = Date.now() + 400; Date.now() < deadline; ) {
      if ((await count()) !== first) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  }

  async function readCount(name: string): Promise<string | undefined> {
    const { State } = await engine.inspect(name);
    return readFileSync(`/proc/${await hostPid(State.Pid)}/root/count`, 'utf8');
  }

  /** The daemon's pids are the sandbox's. */
  async function hostPid(pid: number): Promise<number> {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const numbers = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))![1]!.split('\t');
        if (numbers.at(-2) === String(pid) && numbers.length === 3) return Number(entry);
      } catch {
        // It ended while we looked.
      }
    }
    throw new Error(`there is no process ${pid}`);
  }

  async function whatItSays(name: string, expected: string | undefined): Promise<void> {
    const { State } = await engine.inspect(name);
    if (expected !== undefined) assert.equal(State.Status, expected, 'it was acknowledged');
    assert.equal(await goesOn(name), State.Status === 'running', `it is ${State.Status}`);
    if (State.Status === 'paused') assert.equal((await engine.api('POST', `/containers/${name}/unpause`)).status, 204);
    assert.equal(await goesOn(name), true);
  }

  test('pause: it stands still where it says so', wharfOnly(), async () => {
    const steps = await atEveryStep(
      'pause.',
      counter,
      async (name) => {
        await begun(name);
        return (await engine.api('POST', `/containers/${name}/pause`)).status === 204;
      },
      (name, acknowledged) => whatItSays(name, acknowledged ? 'paused' : undefined),
    );
    assert.ok(steps >= 2, `${steps} steps`);
  });

  test('unpause: it goes on where it says so', wharfOnly(), async () => {
    const steps = await atEveryStep(
      'unpause.',
      counter,
      async (name) => {
        await begun(name);
        assert.equal((await engine.api('POST', `/containers/${name}/pause`)).status, 204);
        return (await engine.api('POST', `/containers/${name}/unpause`)).status === 204;
      },
      (name, acknowledged) => whatItSays(name, acknowledged ? 'running' : undefined),
    );
    assert.ok(steps >= 2, `${steps} steps`);
  });

  for (const prefix of ['commit.', 'pause.', 'unpause.']) {
    test(`commit, at ${prefix}: the container goes on, the image is whole or not there`, wharfOnly(), async () => {
      const steps = await atEveryStep(
        prefix,
        counter,
        async (name) => {
          await begun(name);
          return (await engine.api('POST', `/commit?container=${name}&repo=${name}`)).status === 201;
        },
        async (name, acknowledged) => {
          await whatItSays(name, 'running');
          const { status } = await engine.api('GET', `/images/${name}/json`);
          if (acknowledged) assert.equal(status, 200, 'it was acknowledged');
          if (status === 404)
            assert.equal((await engine.api('POST', `/commit?container=${name}&repo=${name}`)).status, 201);
          assert.equal((await engine.sh('test -s /count; echo $?', { Image: name })).stdout, '0\n');
          assert.equal((await engine.api('DELETE', `/images/${name}?force=1`)).status, 200);
        },
      );
      assert.ok(steps >= 1, `${steps} steps`);
    });
  }
});
