import { Duplex } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { GrpcError, grpcStatus } from '../grpc/grpc-status.ts';
import { GetSecretRequestSchema, Secrets } from '../pb/secrets_pb.ts';
import { BytesMessageSchema, CheckAgentRequestSchema, SSH } from '../pb/ssh_pb.ts';
import type { ClientKeys } from '../solver/session.ts';
import type { SessionConnection } from './session-connection.ts';

/** The secrets and agents that a client offers on its session. */
export function sessionKeys(session: SessionConnection, signal: AbortSignal): ClientKeys {
  return {
    async secret(id) {
      if (!session.offers(Secrets.method.getSecret)) return undefined;
      try {
        const request = create(GetSecretRequestSchema, { ID: id });
        return (await session.call(Secrets.method.getSecret, request, signal)).data;
      } catch (error) {
        if (hasStatus(error, grpcStatus.notFound) || hasStatus(error, grpcStatus.unimplemented)) return undefined;
        throw error;
      }
    },
    async checkSsh(id) {
      try {
        await session.call(SSH.method.checkAgent, create(CheckAgentRequestSchema, { ID: id }), signal);
      } catch (error) {
        if (!hasStatus(error, grpcStatus.unimplemented)) throw error;
        throw new EngineError('not_found', `no SSH key ${JSON.stringify(id)} forwarded from the client`);
      }
    },
    openSsh(id) {
      const stream = session.open(SSH.method.forwardAgent, { 'buildkit.ssh.id': id }, signal);
      const agent = new Duplex({
        read() {},
        write(data: Buffer, _encoding, written) {
          stream.send(create(BytesMessageSchema, { data }));
          written();
        },
        final(finished) {
          stream.end();
          finished();
        },
        destroy(error, destroyed) {
          stream.end();
          destroyed(error);
        },
      });
      void (async () => {
        for await (const { data } of stream.messages()) agent.push(data);
        agent.push(null);
      })().catch((error: Error) => agent.destroy(error));
      return agent;
    },
  };
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof GrpcError && error.status === status;
}
