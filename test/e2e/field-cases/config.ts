import assert from 'node:assert/strict';
import type { ContainerConfig } from '@wharf/api/container';
import { busyboxImage } from '../../fixtures/image.ts';
import type { Fixture } from '../../harness/fixture.ts';
import { dockerSince } from '../../harness/target.ts';
import { type FieldCase, inside, onTerminal, refused, seen, shown } from './field-case.ts';

/** Every field of `Config`: a field without a case does not compile. */
export const configCases: Record<keyof ContainerConfig | 'MacAddress', readonly FieldCase[]> = {
  Hostname: [
    inside('the name of the UTS namespace', { Hostname: 'box' }, 'hostname; cat /etc/hostname', 'box\nbox'),
    refused(
      'with the host’s',
      { Hostname: 'x', HostConfig: { UTSMode: 'host' } },
      400,
      /hostname and the UTS mode|Conflicting options: hostname/i,
    ),
  ],
  Domainname: [
    inside(
      'the domain of the UTS namespace, and of /etc/hosts',
      { Hostname: 'h', Domainname: 'd.test' },
      'cat /proc/sys/kernel/domainname; grep -c "h.d.test h$" /etc/hosts',
      'd.test\n1',
    ),
  ],
  User: [
    inside('by name', { User: 'user' }, 'id -u; id -g', '1000\n1000'),
    inside('with a group', { User: 'user:extra' }, 'id -g', '2000'),
  ],
  AttachStdin: [shown('is kept', { AttachStdin: true }, ({ Config }) => Config.AttachStdin, true)],
  AttachStdout: [shown('is kept', { AttachStdout: true }, ({ Config }) => Config.AttachStdout, true)],
  AttachStderr: [shown('is kept', { AttachStderr: true }, ({ Config }) => Config.AttachStderr, true)],
  ExposedPorts: [
    seen('are shown without being published', async (engine) => {
      const id = await engine.sleeping({ ExposedPorts: { '80/tcp': {}, '90/udp': {} } });
      const { NetworkSettings, Config } = await engine.inspect(id);
      await engine.remove(id);
      assert.deepEqual(Object.keys(Config.ExposedPorts).toSorted(), ['80/tcp', '90/udp']);
      assert.deepEqual(NetworkSettings.Ports, { '80/tcp': null, '90/udp': null });
    }),
  ],
  Tty: [
    seen('standard output is a terminal', async (engine) => {
      assert.equal(await onTerminal(engine, 'test -t 1 && echo $TERM'), 'xterm');
    }),
  ],
  OpenStdin: [
    seen('a client can write to it', async (engine) => {
      assert.equal(await echoed(engine, { OpenStdin: true, StdinOnce: true }), 'from outside');
    }),
    inside('at its end at once without', {}, 'cat; echo end', 'end'),
  ],
  StdinOnce: [
    seen('ends when the client leaves', async (engine) => {
      const id = await engine.create({ Cmd: ['sh', '-c', 'cat; echo end'], OpenStdin: true, StdinOnce: true });
      const attached = await attach(engine, id, 'stdin=1');
      await engine.start(id);
      attached.socket.destroy();
      assert.equal(await engine.wait(id), 0);
      await engine.remove(id);
    }),
    seen('stays open for the next client without', async (engine) => {
      const id = await engine.create({ Cmd: ['sh', '-c', 'read a; read b; echo $a$b'], OpenStdin: true });
      await engine.start(id);
      for (const line of ['1\n', '2\n']) {
        const attached = await attach(engine, id, 'stdin=1');
        await new Promise((resolve) => attached.socket.end(line, () => resolve(undefined)));
      }
      await engine.wait(id);
      assert.equal((await engine.logs(id)).stdout, '12\n');
      await engine.remove(id);
    }),
  ],
  Env: [
    inside('a variable', { Env: ['A=1 2'] }, 'echo "$A"', '1 2'),
    inside('one of the image taken away', { Env: ['PATH'], Cmd: ['/bin/env'] }, '', /^(?!.*^PATH=)/m),
    refused('one without a name', { Env: ['=x'] }, 400, /invalid environment variable: =x/),
  ],
  Cmd: [
    inside('is run', { Cmd: ['echo', 'a', 'b c'] }, '', 'a b c'),
    inside('a text stands for a list', { Cmd: 'env' as unknown as string[] }, '', /PATH=/),
  ],
  Healthcheck: [
    seen('runs, and sets the health', async (engine) => {
      const id = await engine.sleeping({
        Healthcheck: { Test: ['CMD-SHELL', 'echo checked'], Interval: 50_000_000, Retries: 1 },
      });
      const { Health } = (await until(engine, id, ({ State }) => State.Health.Status === 'healthy')).State;
      assert.equal(Health.Log[0].Output, 'checked\n');
      await engine.remove(id);
    }),
    refused(
      'an interval below 1 ms',
      { Healthcheck: { Test: ['CMD', 'true'], Interval: 5 } },
      400,
      /Interval in Healthcheck cannot be less than/,
    ),
  ],
  ArgsEscaped: [inside('means nothing on Linux', { ArgsEscaped: true, Cmd: ['echo', 'a  b'] }, '', 'a  b')],
  Image: [
    inside('gives the root', {}, 'cat /data/seed', 'from the image'),
    refused('one that is not there', { Image: 'nowhere' }, 404, /No such image: nowhere:latest/),
  ],
  Volumes: [
    seen('an anonymous volume', async (engine) => {
      const id = await engine.started({ Volumes: { '/data': {} }, Cmd: ['cat', '/data/seed'] });
      await engine.wait(id);
      const { Mounts } = await engine.inspect(id);
      assert.deepEqual([Mounts.length, Mounts[0].Type, Mounts[0].Destination], [1, 'volume', '/data']);
      assert.equal((await engine.logs(id)).stdout, 'from the image\n');
      await engine.remove(id);
    }),
  ],
  WorkingDir: [
    inside('where the program starts', { WorkingDir: '/etc' }, 'pwd', '/etc'),
    refused(
      'a relative one',
      { WorkingDir: 'etc' },
      400,
      /the working directory 'etc' is invalid, it needs to be an absolute path/,
    ),
  ],
  Entrypoint: [
    inside('comes before the command', { Entrypoint: ['echo', 'first'], Cmd: ['second'] }, '', 'first second'),
    seen("[''] clears the image's", async (engine) => {
      await engine.load(busyboxImage('entry:latest', { Entrypoint: ['echo', 'entry'] }));
      assert.equal((await engine.run({ Image: 'entry', Cmd: ['true'] })).stdout, 'entry true\n');
      assert.equal((await engine.run({ Image: 'entry', Entrypoint: [''], Cmd: ['echo', 'x'] })).stdout, 'x\n');
      await engine.api('DELETE', '/images/entry');
    }),
  ],
  NetworkDisabled: [inside('leaves loopback alone', { NetworkDisabled: true }, 'ls /sys/class/net | grep -c eth', '0')],
  OnBuild: [shown('is kept', { OnBuild: ['RUN x'] }, ({ Config }) => Config.OnBuild, ['RUN x'])],
  Labels: [
    seen('are shown and can be asked for', async (engine) => {
      const id = await engine.create({ Labels: { 'a.b': 'c' } });
      const filters = encodeURIComponent(JSON.stringify({ label: ['a.b=c'] }));
      const list = (await engine.api('GET', `/containers/json?all=1&filters=${filters}`)).json;
      assert.deepEqual([list.length, list[0].Id, list[0].Labels['a.b']], [1, id, 'c']);
      await engine.remove(id);
    }),
  ],
  StopSignal: [
    seen('is what stop sends', async (engine) => {
      const id = await engine.started({
        Cmd: ['sh', '-c', 'trap "echo usr1; exit 7" USR1; echo ready; while :; do sleep 0.01; done'],
        StopSignal: 'SIGUSR1',
      });
      await engine.logged(id, 'ready');
      await engine.api('POST', `/containers/${id}/stop`);
      assert.equal((await engine.inspect(id)).State.ExitCode, 7);
      await engine.remove(id);
    }),
    refused('one that is none', { StopSignal: 'SIGNONE' }, 400, /invalid signal: SIGNONE/i),
  ],
  StopTimeout: [
    seen('is how long stop waits', async (engine) => {
      const id = await engine.started({ Cmd: ['sh', '-c', 'trap "" TERM; sleep 1000'], StopTimeout: 0 });
      const answer = await engine.api('POST', `/containers/${id}/stop`);
      assert.equal(answer.status, 204);
      assert.equal((await engine.inspect(id)).State.ExitCode, 137);
      await engine.remove(id);
    }),
  ],
  Shell: [
    seen('runs a health check of the form CMD-SHELL', async (engine) => {
      const id = await engine.sleeping({
        Shell: ['/bin/sh', '-e', '-c'],
        Healthcheck: { Test: ['CMD-SHELL', 'false; echo not reached'], Interval: 50_000_000, Retries: 1 },
      });
      const { Health } = (await until(engine, id, ({ State }) => State.Health.Status === 'unhealthy')).State;
      assert.deepEqual([Health.Log[0].ExitCode, Health.Log[0].Output], [1, '']);
      await engine.remove(id);
    }),
  ],
  MacAddress: [
    seen(
      'of clients before 1.44 is the endpoint’s',
      async (engine) => {
        const answer = await engine.api('POST', '/v1.43/containers/create', {
          Image: 'busybox',
          Cmd: ['cat', '/sys/class/net/eth0/address'],
          MacAddress: '02:42:ac:11:00:99',
        });
        const id = answer.json.Id;
        await engine.start(id);
        await engine.wait(id);
        assert.equal((await engine.logs(id)).stdout, '02:42:ac:11:00:99\n');
        await engine.remove(id);
      },
      dockerSince('24.0'),
    ),
  ],
};

async function attach(engine: Fixture, id: string, streams: string) {
  const open = await engine.daemon.open('POST', `/containers/${id}/attach?stream=1&${streams}`, undefined, {
    headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
  });
  assert.equal(open.status, 101);
  return open;
}

async function echoed(engine: Fixture, spec: Record<string, unknown>): Promise<string> {
  const id = await engine.create({ Cmd: ['cat'], ...spec });
  const attached = await attach(engine, id, 'stdin=1');
  await engine.start(id);
  attached.socket.end('from outside');
  await engine.wait(id);
  const { stdout } = await engine.logs(id);
  await engine.remove(id);
  return stdout;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
async function until(engine: Fixture, id: string, done: (inspected: any) => boolean): Promise<any> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; ) {
    const inspected = await engine.inspect(id);
    if (done(inspected)) return inspected;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the state was not reached');
}
