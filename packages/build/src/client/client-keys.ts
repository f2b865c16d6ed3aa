import { connect } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { duplex, type Handlers, unary } from '../grpc/grpc-server.ts';
import { GetSecretResponseSchema, Secrets } from '../pb/secrets_pb.ts';
import { BytesMessageSchema, CheckAgentResponseSchema, SSH } from '../pb/ssh_pb.ts';

/** Offers secrets by their ids. Each is read when it is asked for; undefined where there is none. */
export function addSecrets(handlers: Handlers, read: (id: string) => Promise<Uint8Array | undefined>): void {
  unary(handlers, Secrets.method.getSecret, async ({ ID }) => {
    const data = await read(ID);
    if (!data) throw new EngineError('not_found', `secret ${ID} not found`);
    return create(GetSecretResponseSchema, { data });
  });
}

/** Offers agents, each behind a socket of this machine, by their ids. */
export function addAgents(handlers: Handlers, sockets: ReadonlyMap<string, string>): void {
  const socketOf = (id: string) => {
    const path = sockets.get(id || 'default');
    if (path === undefined) throw new EngineError('not_found', `unset ssh forward key ${id || 'default'}`);
    return path;
  };
  unary(handlers, SSH.method.checkAgent, async ({ ID }) => {
    socketOf(ID);
    return create(CheckAgentResponseSchema);
  });
  duplex(handlers, SSH.method.forwardAgent, async function* (requests, { headers, signal }) {
    const socket = connect({ path: socketOf(String(headers['buildkit.ssh.id'] ?? '')) });
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    const asked = (async () => {
      for await (const { data } of requests) socket.write(data);
      socket.end();
    })();
    asked.catch(() => socket.destroy());
    for await (const data of socket) yield create(BytesMessageSchema, { data });
    await asked;
  });
}
