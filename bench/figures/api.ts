import type { Engine } from '../engines/engine.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { atLeast, inTurn, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

/** Requests a second: one client in sequence, and eight at once. */
export const measureApi: Measure = async ({ engines, quick }) => {
  const containers = new Map<string, string>();
  for (const engine of engines) {
    const id = await createContainer(engine, engine.client);
    await startContainer(engine.client, id);
    containers.set(engine.name, id);
  }
  const inspectOf = (engine: Engine) => `/v1.40/containers/${containers.get(engine.name)}/json`;
  const measure = async (clients: number, url: (engine: Engine) => string) =>
    mediansOf(await inTurn(engines, quick ? 1 : 5, (engine) => rate(engine, clients, url(engine), quick ? 300 : 1000)));
  const ping = await measure(1, () => '/_ping');
  const pingEight = await measure(8, () => '/_ping');
  const inspect = await measure(1, inspectOf);
  const inspectEight = await measure(8, inspectOf);
  for (const engine of engines) await removeContainer(engine.client, containers.get(engine.name)!);
  return [
    { name: '_ping, one client', unit: '/s', values: ping, promise: atLeast(ping, 1, 'dockerd') },
    { name: '_ping, eight clients', unit: '/s', values: pingEight, promise: atLeast(pingEight, 1, 'dockerd') },
    { name: 'inspect, one client', unit: '/s', values: inspect, promise: atLeast(inspect, 1, 'dockerd') },
    { name: 'inspect, eight clients', unit: '/s', values: inspectEight, promise: atLeast(inspectEight, 1, 'dockerd') },
  ];
};

async function rate(engine: Engine, clients: number, url: string, milliseconds: number): Promise<number> {
  let requests = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = engine.connect();
      while (performance.now() - began < milliseconds) {
        await client.request('GET', url);
        requests++;
      }
      client.close();
    }),
  );
  return requests / ((performance.now() - began) / 1000);
}
