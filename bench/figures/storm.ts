import { type Engine, pause } from '../engines/engine.ts';
import { percentile } from '../statistics.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { below, type Measure } from './figure.ts';

const rounds = 200;
const senders = 16;

/** What a client waits for while events rain and many containers are there. Of wharfd alone: the others take minutes to make them. */
export const measureStorm: Measure = async ({ engines, quick }) => {
  const engine = engines.find(({ name }) => name === 'wharfd');
  if (!engine) return [];
  const [stopped, running] = quick ? [100, 30] : [1000, 300];
  const ids: string[] = [];
  for (let index = 0; index < stopped + running; index++) {
    const id = await createContainer(engine, engine.client, { network: 'none' });
    if (index < running) await startContainer(engine.client, id);
    ids.push(id);
  }
  const { eventsPerSecond, list, inspect } = await storm(engine, ids[0]!);
  for (const id of ids) await removeContainer(engine.client, id);
  const among = `${stopped} stopped and ${running} running`;
  const figure = (name: string, value: number) =>
    ({ name, unit: 'ms', values: { wharfd: value }, promise: below(value, 50, 'ms') }) as const;
  return [
    { name: `events, ${among}`, unit: '/s', values: { wharfd: eventsPerSecond } },
    figure('ps in the storm of events, 99th percentile', list),
    figure('inspect in the storm of events, 99th percentile', inspect),
  ];
};

/** Sixteen clients make events as fast as the engine takes them, one follows them, one asks. */
async function storm(engine: Engine, id: string) {
  const stop = new AbortController();
  let events = 0;
  const following = countEvents(engine, stop.signal, () => {
    events++;
  });
  await pause(200);
  const senderClients = Array.from({ length: senders }, () => engine.connect());
  const sending = senderClients.map(async (client, index) => {
    while (!stop.signal.aborted) await client.call('POST', `/v1.40/images/busybox/tag?repo=storm&tag=${index}`);
  });
  await pause(300);
  const asker = engine.connect();
  const [began, before] = [performance.now(), events];
  const [list, inspect]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    list.push(await timed(() => asker.request('GET', '/v1.40/containers/json')));
    inspect.push(await timed(() => asker.request('GET', `/v1.40/containers/${id}/json`)));
    await pause(5);
  }
  const eventsPerSecond = (events - before) / ((performance.now() - began) / 1000);
  stop.abort();
  await Promise.all([following, ...sending]);
  for (const client of [...senderClients, asker]) client.close();
  for (let index = 0; index < senders; index++) await engine.client.call('DELETE', `/v1.40/images/storm:${index}`);
  return { eventsPerSecond, list: percentile(list, 0.99), inspect: percentile(inspect, 0.99) };
}

async function countEvents(engine: Engine, signal: AbortSignal, onEvent: () => void): Promise<void> {
  try {
    const { body } = await fetch('http://bench/v1.40/events', { unix: engine.paths.socket, signal });
    for await (const chunk of body!) for (const byte of chunk) if (byte === 0x0a) onEvent();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
