import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Engine } from '../engines/engine.ts';
import { median } from '../statistics.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { atLeast, atMost, type Bench, both, type Figure, inTurn, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

const traffic = join(import.meta.dirname, '../traffic.ts');
const publishedPort = 18_080;

/** Traffic through published ports and between containers, names, and what networks cost to make. */
export const measureNetwork: Measure = async (bench) => {
  const { engines } = bench;
  const pairs = new Map<Engine, Pair>();
  for (const engine of engines) pairs.set(engine, await openPair(engine));
  const figures = [...(await trafficFigures(bench, pairs)), await names(bench, pairs)];
  for (const pair of pairs.values()) await pair.close();
  return [...figures, ...(await makingFigures(bench)), await manyPorts(bench)];
};

/** Two containers on a network of their own; the first serves at its port 80, published, and at 5201. */
interface Pair {
  readonly address: string;
  readonly server: string;
  readonly client: string;
  close(): Promise<void>;
}

async function openPair(engine: Engine): Promise<Pair> {
  await engine.client.call('POST', '/v1.40/networks/create', { Name: 'pair', Driver: 'bridge' });
  const server = await createContainer(engine, engine.client, { network: 'pair', port: publishedPort });
  await engine.client.call('POST', `/v1.40/containers/${server}/rename?name=server`);
  const client = await createContainer(engine, engine.client, { network: 'pair' });
  for (const id of [server, client]) await startContainer(engine.client, id);
  const { State, NetworkSettings } = await inspect(engine, server);
  const serving = [
    await serveInside(engine, State.Pid, [process.execPath, traffic, 'serve', '80'], 'ready'),
    await serveInside(engine, State.Pid, ['iperf3', '-s', '-p', '5201', '--forceflush'], 'listening'),
    await serveInside(engine, State.Pid, ['iperf3', '-s', '-p', '5202', '--forceflush'], 'listening'),
  ];
  return {
    address: NetworkSettings.Networks.pair!.IPAddress,
    server,
    client,
    async close() {
      for (const child of serving) child.kill();
      for (const id of [server, client]) await removeContainer(engine.client, id);
      await engine.client.call('DELETE', '/v1.40/networks/pair');
    },
  };
}

interface Inspected {
  readonly State: { readonly Pid: number };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

function inspect(engine: Engine, id: string): Promise<Inspected> {
  return engine.client.call<Inspected>('GET', `/v1.40/containers/${id}/json`);
}

function insideOf(engine: Engine, pid: number, command: readonly string[]): string[] {
  return engine.sandbox.enter(['nsenter', '-t', String(pid), '-n', '--', ...command]);
}

async function serveInside(
  engine: Engine,
  pid: number,
  command: readonly string[],
  ready: string,
): Promise<ChildProcess> {
  const [program = '', ...args] = insideOf(engine, pid, command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('exit', () => reject(new Error(`${command.join(' ')} ended`)));
  child.stdout.on('data', (chunk: Buffer) => chunk.includes(ready) && resolve());
  await promise;
  return child;
}

async function numberOf(engine: Engine, command: readonly string[], pid?: number): Promise<number> {
  const { code, stdout, stderr } =
    pid === undefined
      ? await engine.sandbox.run(command)
      : await engine.sandbox.run(['nsenter', '-t', String(pid), '-n', '--', ...command]);
  if (code !== 0) throw new Error(`${engine.name}: ${command.join(' ')}: ${stderr}${stdout}`);
  return command[0] === 'iperf3' ? JSON.parse(stdout).end.sum_received.bits_per_second / 1e9 : Number(stdout);
}

async function trafficFigures({ engines, quick }: Bench, pairs: ReadonlyMap<Engine, Pair>): Promise<Figure[]> {
  // One flow's speed depends on where the scheduler puts its ends: many short rounds, rather than a few long ones.
  const rounds = quick ? 1 : 11;
  const seconds = '1';
  // The published port is 80's: for throughput the address of loopback reaches the same path by a second container.
  const throughPort = await inTurn(engines, rounds, async (engine) => {
    const id = await publishIperf(engine);
    try {
      return await numberOf(engine, [
        'iperf3',
        '-J',
        '-t',
        seconds,
        '-c',
        '127.0.0.1',
        '-p',
        String(publishedPort + 1),
      ]);
    } finally {
      await removeContainer(engine.client, id);
    }
  });
  const between = await inTurn(engines, rounds, async (engine) => {
    const pair = pairs.get(engine)!;
    const { State } = await inspect(engine, pair.client);
    return numberOf(engine, ['iperf3', '-J', '-t', seconds, '-c', pair.address, '-p', '5201'], State.Pid);
  });
  const rates = await inTurn(engines, rounds, (engine) =>
    numberOf(engine, [process.execPath, traffic, 'connect', '127.0.0.1', String(publishedPort), seconds]),
  );
  const rows = [
    { name: 'published port on loopback', unit: 'Gbit/s', values: mediansOf(throughPort) },
    { name: 'container to container', unit: 'Gbit/s', values: mediansOf(between) },
    { name: 'new connections by a published port', unit: '/s', values: mediansOf(rates) },
  ] as const;
  return rows.map((row) => ({
    ...row,
    promise: both(atLeast(row.values, 1, 'dockerd'), atLeast(row.values, 1, 'podman')),
  }));
}

/** A container that publishes an iperf3 server. */
async function publishIperf(engine: Engine): Promise<string> {
  const { Id } = await engine.client.call<{ Id: string }>('POST', '/v1.40/containers/create', {
    Image: 'busybox',
    Cmd: ['sleep', '100000'],
    StopSignal: 'SIGKILL',
    ExposedPorts: { '5201/tcp': {} },
    HostConfig: {
      PortBindings: { '5201/tcp': [{ HostIp: '127.0.0.1', HostPort: String(publishedPort + 1) }] },
      ...(engine.kind.parentByContainer && { CgroupParent: engine.paths.cgroupParent }),
    },
  });
  await startContainer(engine.client, Id);
  const { State } = await inspect(engine, Id);
  await serveInside(engine, State.Pid, ['iperf3', '-s', '-1', '-p', '5201', '--forceflush'], 'listening');
  return Id;
}

async function names({ engines, quick }: Bench, pairs: ReadonlyMap<Engine, Pair>): Promise<Figure> {
  const rates = await inTurn(engines, quick ? 1 : 5, async (engine) => {
    const { State } = await inspect(engine, pairs.get(engine)!.client);
    const { stdout } = await engine.sandbox.run(['cat', `/proc/${State.Pid}/root/etc/resolv.conf`]);
    const [, server = '127.0.0.11'] = /^nameserver (\S+)/m.exec(stdout) ?? [];
    const name = engine.name === 'podman' ? 'server.dns.podman' : 'server';
    const ask = [process.execPath, traffic, 'resolve', server, name, quick ? '1' : '2'];
    return await numberOf(engine, ask, State.Pid).catch(() => Number.NaN);
  });
  const values = mediansOf(rates);
  return {
    name: 'names of containers resolved',
    unit: '/s',
    values,
    promise: { text: 'at least 10000 /s', kept: (values.wharfd ?? 0) >= 10_000 },
  };
}

async function makingFigures({ engines, quick }: Bench): Promise<Figure[]> {
  const rounds = quick ? 3 : 41;
  const made = await inTurn(engines, rounds, async ({ client }) => {
    const began = performance.now();
    await client.call('POST', '/v1.40/networks/create', { Name: 'made', Driver: 'bridge' });
    await client.call('DELETE', '/v1.40/networks/made');
    return performance.now() - began;
  });
  const joined: Record<string, number[]> = {};
  for (const engine of engines) {
    const { client } = engine;
    await client.call('POST', '/v1.40/networks/create', { Name: 'first', Driver: 'bridge' });
    await client.call('POST', '/v1.40/networks/create', { Name: 'joined', Driver: 'bridge' });
    const id = await createContainer(engine, client, { network: 'first' });
    await startContainer(client, id);
    joined[engine.name] = [];
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      await client.call('POST', '/v1.40/networks/joined/connect', { Container: id });
      joined[engine.name]!.push(performance.now() - began);
      await client.call('POST', '/v1.40/networks/joined/disconnect', { Container: id });
    }
    await removeContainer(client, id);
    for (const name of ['first', 'joined']) await client.call('DELETE', `/v1.40/networks/${name}`);
  }
  const rows = [
    { name: 'network create and remove', unit: 'ms', values: mediansOf(made) },
    { name: 'connect a running container', unit: 'ms', values: mediansOf(joined) },
  ] as const;
  return rows.map((row) => ({ ...row, promise: atMost(row.values, 1 / 10, 'dockerd') }));
}

/** A start that publishes 500 ports, against one that publishes none. dockerd takes a quarter of a minute for one. */
async function manyPorts({ engines, quick }: Bench): Promise<Figure> {
  const start = async (engine: Engine, ports: number) => {
    const keys = Array.from({ length: ports }, (_, index) => `${20_000 + index}/tcp`);
    const { Id } = await engine.client.call<{ Id: string }>('POST', '/v1.40/containers/create', {
      Image: 'busybox',
      Cmd: ['sleep', '100000'],
      StopSignal: 'SIGKILL',
      ExposedPorts: Object.fromEntries(keys.map((key) => [key, {}])),
      HostConfig: {
        PortBindings: Object.fromEntries(keys.map((key) => [key, [{ HostIp: '', HostPort: key.split('/')[0] }]])),
        ...(engine.kind.parentByContainer && { CgroupParent: engine.paths.cgroupParent }),
      },
    });
    const began = performance.now();
    await startContainer(engine.client, Id);
    const milliseconds = performance.now() - began;
    await removeContainer(engine.client, Id);
    return milliseconds;
  };
  const patient = engines.filter(({ name }) => name === 'wharfd' || !quick);
  const rounds = (engine: Engine) => (engine.name === 'wharfd' ? (quick ? 5 : 61) : 1);
  const values: Record<string, number> = {};
  for (const engine of patient) {
    const [none, many]: [number[], number[]] = [[], []];
    if (engine.name === 'wharfd') await start(engine, 500);
    for (let round = 0; round < rounds(engine); round++) {
      none.push(await start(engine, 0));
      many.push(await start(engine, 500));
    }
    values[engine.name] = median(many) / median(none);
  }
  return {
    name: 'start that publishes 500 ports, against none',
    unit: 'x',
    values,
    promise: { text: 'below 1.05 x', kept: (values.wharfd ?? Number.NaN) < 1.05 },
  };
}
