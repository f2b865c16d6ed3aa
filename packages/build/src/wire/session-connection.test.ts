import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { encodeFrame, FrameDecoder } from '../grpc/grpc-frames.ts';
import { type Handlers, serveGrpc, unary } from '../grpc/grpc-server.ts';
import { Auth, CredentialsRequestSchema, CredentialsResponseSchema } from '../pb/filesync_pb.ts';
import { SessionConnection } from './session-connection.ts';

const path = '/moby.filesync.v1.Auth/Credentials';

/** A session whose client answers by `handlers`: its ends are the two that the wire has. */
async function connected(handlers: Handlers, run: (session: SessionConnection) => Promise<void>): Promise<void> {
  const address = join(tmpdir(), `wharf-${newId().slice(0, 12)}.sock`);
  const server = createServer((socket) => void serveGrpc(socket, Buffer.alloc(0), handlers));
  await new Promise<void>((resolve) => server.listen(address, resolve));
  const socket = connect(address);
  await new Promise((resolve) => socket.once('connect', resolve));
  const session = new SessionConnection(socket, Buffer.alloc(0), { id: 's', sharedKey: '', methods: [path] });
  try {
    await run(session);
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('gRPC', () => {
  test('messages are cut out of whatever pieces come', () => {
    const bytes = Buffer.concat([
      encodeFrame(Buffer.from('one')),
      encodeFrame(Buffer.alloc(0)),
      encodeFrame(Buffer.from('3')),
    ]);
    const decoder = new FrameDecoder();
    const found = [...bytes].flatMap((byte) => decoder.push(Buffer.from([byte]))).map(String);
    assert.deepEqual(found, ['one', '', '3']);
    assert.equal(decoder.isPartial, false);
  });

  test('a message above the limit is refused before it is read', () => {
    assert.throws(() => new FrameDecoder().push(Buffer.from([0, 0x7f, 0, 0, 0])), /larger than max/);
    assert.throws(() => new FrameDecoder().push(Buffer.from([1, 0, 0, 0, 0])), /compressed/);
  });

  test('a call is answered, and an error comes with its status and its text', async () => {
    const handlers: Handlers = new Map();
    unary(handlers, Auth.method.credentials, async ({ Host }) => {
      if (Host === 'bad') throw new EngineError('not_found', 'no 100% crédentials\nfor bad');
      return create(CredentialsResponseSchema, { Username: `user of ${Host}` });
    });
    const { signal } = new AbortController();
    await connected(handlers, async (session) => {
      const ask = (Host: string) =>
        session.call(Auth.method.credentials, create(CredentialsRequestSchema, { Host }), signal);
      assert.equal((await ask('good')).Username, 'user of good');
      await assert.rejects(ask('bad'), { status: 5, message: 'no 100% crédentials\nfor bad' });
    });
    await connected(new Map(), async (session) => {
      const request = create(CredentialsRequestSchema, { Host: '' });
      await assert.rejects(session.call(Auth.method.credentials, request, signal), { status: 12 });
      assert.throws(() => session.open(Auth.method.fetchToken, {}, signal), /not supported by the client/);
    });
  });
});
