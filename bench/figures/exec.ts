import { connect } from 'node:net';
import { type Engine, pause } from '../engines/engine.ts';
import type { HttpClient } from '../http-client.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { atMost, inTurn, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

/** Exec of `true`, create to the end of its stream. */
export const measureExec: Measure = async ({ engines, quick }) => {
  const containers = new Map<string, string>();
  for (const engine of engines) {
    const id = await createContainer(engine, engine.client);
    await startContainer(engine.client, id);
    containers.set(engine.name, id);
  }
  const times = await inTurn(engines, quick ? 5 : 21, async (engine) => {
    const milliseconds = await execTrue(engine, engine.client, containers.get(engine.name)!);
    await pause(20);
    return milliseconds;
  });
  const execs = quick ? 5 : 20;
  const cpu = await inTurn(engines, quick ? 1 : 3, async (engine) => {
    const before = engine.cpuMilliseconds();
    for (let index = 0; index < execs; index++) await execTrue(engine, engine.client, containers.get(engine.name)!);
    await pause(500);
    return (engine.cpuMilliseconds() - before) / execs;
  });
  for (const engine of engines) await removeContainer(engine.client, containers.get(engine.name)!);
  const [byTime, byCpu] = [mediansOf(times), mediansOf(cpu)];
  return [
    { name: 'exec of true to its end', unit: 'ms', values: byTime, promise: atMost(byTime, 1 / 5, 'dockerd') },
    { name: 'exec of true', unit: 'CPU ms', values: byCpu, promise: atMost(byCpu, 1 / 5, 'dockerd') },
  ];
};

async function execTrue(engine: Engine, client: HttpClient, id: string): Promise<number> {
  const began = performance.now();
  const { Id } = await client.call<{ Id: string }>('POST', `/v1.40/containers/${id}/exec`, {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: ['true'],
  });
  await drainHijacked(engine.paths.socket, `/v1.40/exec/${Id}/start`);
  return performance.now() - began;
}

/** Starts an exec as the stock client does, and resolves when its stream has ended. */
function drainHijacked(path: string, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const body = '{"Detach":false,"Tty":false}';
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.on('end', () => socket.destroy());
    socket.resume();
    socket.write(
      `POST ${url} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
}
