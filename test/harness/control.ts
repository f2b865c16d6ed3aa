import { connect } from 'node:http2';
import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { encodeFrame, readMessages } from '@wharf/build/grpc/grpc-frames';
import { errorFromTrailers } from '@wharf/build/grpc/grpc-status';
import { openRequest } from './http.ts';

type Caller = <M extends DescMethod>(
  method: M,
  request: MessageInitShape<M['input']>,
  until?: (message: MessageShape<M['output']>) => boolean,
) => Promise<MessageShape<M['output']>[]>;

/** Calls BuildKit's API on a daemon's socket, as buildx does. A call ends with its stream, or where `until` is true. */
export async function withControl(
  socketPath: string,
  body: (call: Caller) => Promise<void>,
  ownHeaders: Readonly<Record<string, string>> = {},
): Promise<void> {
  const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
  const { status, socket } = await openRequest(socketPath, 'POST', '/grpc', { headers });
  if (status !== 101) throw new Error(`/grpc answers ${status}`);
  const session = connect('http://localhost', { createConnection: () => socket });
  try {
    await body(async (method, request, until = () => false) => {
      const stream = session.request({
        ...ownHeaders,
        ':method': 'POST',
        ':path': `/${method.parent.typeName}/${method.name}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let failure: Error | undefined;
      const look = (fields: Readonly<Record<string, unknown>>) => {
        if (fields['grpc-status'] !== undefined) failure = errorFromTrailers(fields);
      };
      stream.on('response', look);
      stream.on('trailers', look);
      stream.end(encodeFrame(toBinary(method.input, create(method.input, request))));
      const messages: MessageShape<typeof method.output>[] = [];
      for await (const bytes of readMessages(stream)) {
        const message = fromBinary(method.output, bytes);
        messages.push(message);
        if (until(message as never)) break;
      }
      if (failure) throw failure;
      return messages as never;
    });
  } finally {
    session.destroy();
  }
}
