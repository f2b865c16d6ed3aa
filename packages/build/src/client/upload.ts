import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { duplex, type Handlers } from '../grpc/grpc-server.ts';
import { BytesMessageSchema, Upload } from '../pb/upload_pb.ts';

/** Offers one stream, once; answers the address by which the builder asks for it. */
export function addUpload(handlers: Handlers, content: AsyncIterable<Uint8Array>): string {
  const name = randomBytes(12).toString('hex');
  let isTaken = false;
  duplex(handlers, Upload.method.pull, async function* (_requests, { headers }) {
    if (isTaken || !String(headers.urlpath ?? '').endsWith(name)) {
      throw new EngineError('not_found', `no http response from session for ${name}`);
    }
    isTaken = true;
    for await (const data of content) yield create(BytesMessageSchema, { data });
  });
  return `http://buildkit-session/${name}`;
}
