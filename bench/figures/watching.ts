import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, pause } from '../engines/engine.ts';
import { median, percentile } from '../statistics.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { atMost, below, type Figure, type Measure, type Values } from './figure.ts';
import { mediansOf } from './start.ts';

const watched = 10;
/** An engine that takes a quarter of a second for a line is judged by fewer of them. */
const followMilliseconds = 20_000;

/** What it costs to watch containers: streams of stats, one sample, and a line from a program to who follows its log. */
export const measureWatching: Measure = async ({ engines, quick }) => {
  const samples: Values = {};
  const single: Values = {};
  const follows: Record<string, number[]> = {};
  for (const engine of engines) {
    const { perSample, once } = await watchStats(engine, quick ? 5 : 15);
    samples[engine.name] = perSample;
    single[engine.name] = once;
    follows[engine.name] = await followLines(engine, quick ? 100 : 1_500);
  }
  const medians = mediansOf(follows);
  const late = Object.fromEntries(Object.entries(follows).map(([name, times]) => [name, percentile(times, 0.99)]));
  const figures: Figure[] = [
    { name: 'stats streamed, a sample', unit: 'CPU ms', values: samples, promise: below(samples.wharfd, 1, 'CPU ms') },
    { name: 'stats once', unit: 'ms', values: single, promise: below(single.wharfd, 4, 'ms') },
    { name: 'a line to a follower', unit: 'ms', values: medians, promise: atMost(medians, 1, 'dockerd') },
    { name: 'a line to a follower, 99th percentile', unit: 'ms', values: late, promise: atMost(late, 1, 'dockerd') },
  ];
  return figures;
};

/** The engine's CPU with as many streams as containers, and the time of a sample that waits for no second one. */
async function watchStats(engine: Engine, seconds: number): Promise<{ perSample: number; once: number }> {
  const ids: string[] = [];
  for (let index = 0; index < watched; index++) {
    ids.push(await createContainer(engine, engine.client));
    await startContainer(engine.client, ids[index]!);
  }
  const stop = new AbortController();
  let count = 0;
  const streams = ids.map((id) =>
    eachLine(engine, `/v1.41/containers/${id}/stats?stream=1`, stop.signal, () => {
      count++;
    }),
  );
  await pause(3000);
  const [counted, used] = [count, engine.cpuMilliseconds()];
  await pause(seconds * 1000);
  const perSample = (engine.cpuMilliseconds() - used) / (count - counted);
  stop.abort();
  await Promise.all(streams);
  const once: number[] = [];
  for (let round = 0; round < 21; round++) {
    const began = performance.now();
    await engine.client.call('GET', `/v1.41/containers/${ids[0]}/stats?stream=false&one-shot=true`);
    once.push(performance.now() - began);
  }
  for (const id of ids) await removeContainer(engine.client, id);
  return { perSample, once: median(once) };
}

/** Milliseconds from a line that a program writes at once to its follower. */
async function followLines(engine: Engine, rounds: number): Promise<number[]> {
  const fifo = join(engine.sandbox.directory, 'follow');
  spawnSync('mkfifo', ['-m', '666', fifo]);
  // Open both ways, so that neither this nor the container waits for the other end.
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const id = await createContainer(engine, engine.client, {
    command: ['cat', '/follow'],
    network: 'none',
    binds: [`${fifo}:/follow`],
  });
  await startContainer(engine.client, id);
  const stop = new AbortController();
  let arrived: () => void = () => {};
  const following = eachLine(engine, `/v1.40/containers/${id}/logs?follow=1&stdout=1`, stop.signal, () => arrived());
  const times: number[] = [];
  // The first line also waits until the follower is there.
  const end = performance.now() + followMilliseconds;
  for (let round = -5; round < rounds && performance.now() < end; round++) {
    const line = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const began = performance.now();
    writeSync(fd, `line ${round}\n`);
    await line;
    if (round >= 0) times.push(performance.now() - began);
    await pause(5);
  }
  stop.abort();
  await following;
  closeSync(fd);
  await removeContainer(engine.client, id);
  return times;
}

async function eachLine(engine: Engine, path: string, signal: AbortSignal, onLine: () => void): Promise<void> {
  try {
    const { body } = await fetch(`http://bench${path}`, { unix: engine.paths.socket, signal });
    for await (const chunk of body!) for (const byte of chunk) if (byte === 0x0a) onLine();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
