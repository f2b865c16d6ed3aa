import { createContainer, removeContainer, startContainer } from './containers.ts';
import { atMost, type Measure, type Values } from './figure.ts';

const running = 100;

/** The daemon is killed with -9 and started again: how long until it lists its containers as running. */
export const measureRecovery: Measure = async ({ engines }) => {
  const values: Values = {};
  for (const engine of engines) {
    if (engine.name === 'podman') continue;
    const ids: string[] = [];
    for (let index = 0; index < running; index++) {
      ids.push(await createContainer(engine, engine.client));
      await startContainer(engine.client, ids[index]!);
    }
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      await engine.kill();
      const began = performance.now();
      await engine.start();
      for (;;) {
        const { body } = await engine.client.request('GET', '/v1.40/containers/json');
        if (JSON.parse(body.toString()).length === running) break;
        if (performance.now() - began > 30_000) throw new Error(`${engine.name} lost containers: ${body}`);
      }
      times.push(performance.now() - began);
    }
    values[engine.name] = times.sort((a, b) => a - b)[1]!;
    for (const id of ids) await removeContainer(engine.client, id);
  }
  const name = `kill -9 with ${running} running, to right answers`;
  return [{ name, unit: 'ms', values, promise: atMost(values, 1 / 3, 'dockerd') }];
};
