import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { type Handlers, serveGrpc, unary } from '../grpc/grpc-server.ts';
import { Health, HealthCheckResponse_ServingStatus, HealthCheckResponseSchema } from '../pb/health_pb.ts';
import { type BuildEndpoint, upgradeToHttp2 } from './upgrade.ts';

/** A connection on which the daemon asks for what a build needs of this machine. */
export interface ClientSession extends AsyncDisposable {
  readonly id: string;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
}

/** Offers what `handlers` answer. `directory` is that of the context: what was sent of it before is kept by it. */
export async function openSession(
  endpoint: BuildEndpoint,
  handlers: Handlers,
  directory: string,
): Promise<ClientSession> {
  const id = randomBytes(16).toString('hex').slice(0, 25);
  unary(handlers, Health.method.check, async () =>
    create(HealthCheckResponseSchema, { status: HealthCheckResponse_ServingStatus.SERVING }),
  );
  const { socket, head } = await upgradeToHttp2(endpoint, '/session', [
    ['X-Docker-Expose-Session-Uuid', id],
    ['X-Docker-Expose-Session-Name', 'wharf'],
    ['X-Docker-Expose-Session-Sharedkey', sharedKeyOf(directory)],
    ...[...handlers.keys()].map((path): [string, string] => ['X-Docker-Expose-Session-Grpc-Method', path]),
  ]);
  const ended = serveGrpc(socket, head, handlers);
  return {
    id,
    ended,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await ended;
    },
  };
}

function sharedKeyOf(directory: string): string {
  return createHash('sha256').update(`${hostname()}:${directory}`).digest('hex');
}
