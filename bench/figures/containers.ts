import type { Engine } from '../engines/engine.ts';
import type { HttpClient } from '../http-client.ts';

export interface ContainerOptions {
  readonly command?: readonly string[];
  readonly network?: string;
  /** Publish container port 80 on this port of loopback. */
  readonly port?: number;
  readonly binds?: readonly string[];
  /** Every line is to be read back. */
  readonly wholeLog?: boolean;
}

/** Without a bound, as the others keep their logs unless told otherwise. */
const wholeLog = { Type: 'json-file', Config: { 'max-size': '-1' } };

export async function createContainer(
  engine: Engine,
  client: HttpClient,
  options: ContainerOptions = {},
): Promise<string> {
  const { Id } = await client.call<{ Id: string }>('POST', '/v1.40/containers/create', {
    Image: 'busybox',
    Cmd: options.command ?? ['sleep', '100000'],
    StopSignal: 'SIGKILL',
    ...(options.port && { ExposedPorts: { '80/tcp': {} } }),
    HostConfig: {
      NetworkMode: options.network ?? 'bridge',
      ...(options.port && { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(options.port) }] } }),
      ...(options.binds && { Binds: options.binds }),
      ...(options.wholeLog && engine.name === 'wharfd' && { LogConfig: wholeLog }),
      ...(engine.kind.parentByContainer && { CgroupParent: engine.paths.cgroupParent }),
    },
  });
  return Id;
}

export async function startContainer(client: HttpClient, id: string): Promise<void> {
  await client.call('POST', `/v1.40/containers/${id}/start`);
}

export async function removeContainer(client: HttpClient, id: string): Promise<void> {
  await client.call('DELETE', `/v1.40/containers/${id}?force=1`);
}

/**
 * Asks for the next exit, as the stock client does before it starts a container. Resolves when the daemon has said
 * that it waits: a quick program could be gone before. podman says nothing until the end.
 */
export async function armWait(engine: Engine, waiter: HttpClient, id: string): Promise<{ exited: Promise<unknown> }> {
  const { promise: armed, resolve } = Promise.withResolvers<void>();
  const exited = waiter.request('POST', `/v1.40/containers/${id}/wait?condition=next-exit`, undefined, resolve);
  if (engine.name !== 'podman') await Promise.race([armed, exited]);
  return { exited };
}

/** Creates, starts, waits for the exit and removes, over two connections. Answers the milliseconds to the exit seen. */
export async function runToExit(engine: Engine, client: HttpClient, waiter: HttpClient): Promise<number> {
  const began = performance.now();
  const id = await createContainer(engine, client, { command: ['true'] });
  const { exited } = await armWait(engine, waiter, id);
  await startContainer(client, id);
  await exited;
  const milliseconds = performance.now() - began;
  await removeContainer(client, id);
  return milliseconds;
}
