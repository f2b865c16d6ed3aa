import { type Engine, pause } from '../engines/engine.ts';
import { median } from '../statistics.ts';
import { createContainer, removeContainer, runToExit, startContainer } from './containers.ts';
import { atMost, type Bench, both, type Figure, inTurn, type Measure, type Values } from './figure.ts';

const networks = [
  { name: 'bridge', options: {} },
  { name: 'host', options: { network: 'host' } },
  { name: 'none', options: { network: 'none' } },
  { name: 'bridge, one published port', options: { port: 18080 } },
] as const;

/** create+start over the API by network, and the CPU of whole runs. */
export const measureStart: Measure = async (bench) => {
  const figures: Figure[] = [];
  for (const { name, options } of networks) {
    const times = await inTurn(bench.engines, bench.quick ? 5 : 21, async (engine) => {
      const began = performance.now();
      const id = await createContainer(engine, engine.client, options);
      await startContainer(engine.client, id);
      const milliseconds = performance.now() - began;
      await removeContainer(engine.client, id);
      await pause(30);
      return milliseconds;
    });
    const values = mediansOf(times);
    figures.push({
      name: `create+start, ${name}`,
      unit: 'ms',
      values,
      ...(name === 'bridge' && { promise: atMost(values, 1 / 10, 'dockerd') }),
    });
  }
  return [...figures, await cpuOfRuns(bench)];
};

async function cpuOfRuns({ engines, quick }: Bench): Promise<Figure> {
  const runs = quick ? 5 : 20;
  const cpu = await inTurn(engines, quick ? 1 : 3, async (engine) => {
    const waiter = engine.connect();
    const before = engine.cpuMilliseconds();
    for (let run = 0; run < runs; run++) await runToExit(engine, engine.client, waiter);
    // What an engine puts off until after its answer counts too.
    await pause(1500);
    waiter.close();
    return (engine.cpuMilliseconds() - before) / runs;
  });
  const values = mediansOf(cpu);
  const promise = both(atMost(values, 1 / 8, 'dockerd'), atMost(values, 1 / 3, 'podman'));
  return { name: 'one run of true, create to removed', unit: 'CPU ms', values, promise };
}

/** Create to the exit code in the client's hands. */
export const measureRun: Measure = async ({ engines, quick }) => {
  const times = await inTurn(engines, quick ? 5 : 21, async (engine: Engine) => {
    const waiter = engine.connect();
    const milliseconds = await runToExit(engine, engine.client, waiter);
    waiter.close();
    await pause(30);
    return milliseconds;
  });
  const values = mediansOf(times);
  return [{ name: 'run of true, create to exit seen', unit: 'ms', values, promise: atMost(values, 1 / 10, 'dockerd') }];
};

export function mediansOf(times: Record<string, number[]>): Values {
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}
