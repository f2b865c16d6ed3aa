import { readFileSync } from 'node:fs';
import { type Engine, pause } from '../engines/engine.ts';
import { median } from '../statistics.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { below, type Figure, type Measure, type Values } from './figure.ts';

interface Crowd {
  readonly idle: number;
  readonly engineEach: number;
  readonly systemEach: number;
  readonly slowdown: number;
  readonly list: number;
  /** CPU that the engine uses in a second while nothing happens. */
  readonly resting: number;
  readonly listStopped: number;
}

/** Memory at rest and for each of many running containers; starts and lists among them. One engine after the other. */
export const measureCrowd: Measure = async ({ engines, crowd, quick }) => {
  const results = new Map<string, Crowd>();
  for (const engine of engines) results.set(engine.name, await gather(engine, crowd, quick ? 5 : 15));
  const pick = (key: keyof Crowd): Values =>
    Object.fromEntries([...results].map(([name, result]) => [name, result[key]]));
  const figure = (name: string, unit: Figure['unit'], key: keyof Crowd, limit: number): Figure => {
    const values = pick(key);
    return { name, unit, values, promise: below(values.wharfd, limit, unit) };
  };
  return [
    figure('idle, all processes of the engine (PSS)', 'MB', 'idle', 70),
    figure(`engine, for each of ${crowd} running (PSS)`, 'MB', 'engineEach', 0.32),
    figure(`system, for each of ${crowd} running`, 'MB', 'systemEach', 0.8),
    figure(`create+start with ${crowd} running, against the first`, 'x', 'slowdown', 1.5),
    figure(`list of ${crowd} running`, 'ms', 'list', 5),
    figure(`idle with ${crowd} running, a second`, 'CPU ms', 'resting', 3),
    figure(`list of ${crowd} stopped`, 'ms', 'listStopped', 10),
  ];
};

async function gather(engine: Engine, crowd: number, rounds: number): Promise<Crowd> {
  await pause(1000);
  const idle = engine.pssMegabytes();
  const first = await startTime(engine, rounds);
  await pause(1000);
  const [pssBefore, freeBefore] = [engine.pssMegabytes(), availableMegabytes()];
  const ids: string[] = [];
  for (let index = 0; index < crowd; index++) {
    const id = await createContainer(engine, engine.client);
    await startContainer(engine.client, id);
    ids.push(id);
  }
  await pause(1000);
  const engineEach = (engine.pssMegabytes() - pssBefore) / crowd;
  const systemEach = (freeBefore - availableMegabytes()) / crowd;
  const later = await startTime(engine, rounds);
  const list = await listTime(engine, '/v1.40/containers/json');
  const resting = await restingCpu(engine, 5);
  for (const id of ids) await engine.client.call('POST', `/v1.40/containers/${id}/kill`);
  await pause(1000);
  const listStopped = await listTime(engine, '/v1.40/containers/json?all=1');
  for (const id of ids) await removeContainer(engine.client, id);
  return { idle, engineEach, systemEach, slowdown: later / first, list, resting, listStopped };
}

async function listTime(engine: Engine, path: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 21; round++) {
    const began = performance.now();
    await engine.client.request('GET', path);
    times.push(performance.now() - began);
  }
  return median(times);
}

async function restingCpu(engine: Engine, seconds: number): Promise<number> {
  await pause(2000);
  const before = engine.cpuMilliseconds();
  await pause(seconds * 1000);
  return (engine.cpuMilliseconds() - before) / seconds;
}

async function startTime(engine: Engine, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const id = await createContainer(engine, engine.client);
    await startContainer(engine.client, id);
    times.push(performance.now() - began);
    await removeContainer(engine.client, id);
    await pause(30);
  }
  return median(times);
}

function availableMegabytes(): number {
  return Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024;
}
