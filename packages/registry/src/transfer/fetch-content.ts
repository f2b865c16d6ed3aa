import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import { digestOf } from '@wharf/oci/digest-of';
import { ConnectionFailure } from '../client/registry-error.ts';
import type { Repository } from '../client/repository.ts';

/** Configs and other content that is read as a whole. */
const maximumSize = 8 << 20;

/** Fetches a small blob into memory and checks it. */
export async function fetchContent(
  repository: Repository,
  { digest, size }: Descriptor,
  signal: AbortSignal,
): Promise<Buffer> {
  if (size > maximumSize) throw invalidArgument(`invalid manifest: ${digest} is too large (${size} bytes)`);
  const { response } = await repository.blob(digest, { offset: 0, signal });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > size) break;
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new ConnectionFailure(`blob ${digest}: unexpected EOF`, cause);
  }
  const bytes = Buffer.concat(chunks);
  if (length < size) throw new ConnectionFailure(`blob ${digest}: unexpected EOF`, undefined);
  const actual = digestOf(bytes);
  if (length === size && actual === digest) return bytes;
  throw new EngineError('data_loss', `content verification failed for digest ${digest}: the registry sent ${actual}`);
}
