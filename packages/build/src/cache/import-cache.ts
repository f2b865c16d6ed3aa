import { EngineError } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { formatCanonical } from '@wharf/oci/reference';
import type { OpenBlob } from '@wharf/registry/transfer/download-blob';
import { fetchContent } from '@wharf/registry/transfer/fetch-content';
import { openRemoteBlob } from '@wharf/registry/transfer/open-remote-blob';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { ClientContent, ExportClient } from '../exporters/build-output.ts';
import type { CacheConfig } from './cache-config.ts';
import type { CacheImport } from './cache-requests.ts';
import { type CacheReader, readCaches } from './read-cache.ts';

/** A cache that was found, and how its layers are had. */
export interface ImportedCache {
  readonly name: string;
  readonly configs: readonly CacheConfig[];
  readonly open: (descriptor: Descriptor) => OpenBlob;
}

export interface ImportDeps {
  readonly transfers: Transfers;
  readonly client: ExportClient;
  readonly signal: AbortSignal;
}

/** What a cache is called where it is shown. */
export function nameOfImport(request: CacheImport): string {
  return request.type === 'registry' ? formatCanonical(request.reference) : `local:${request.digest}`;
}

/** Finds a cache and reads what it has. Throws where there is none, or none that can be understood. */
export async function importCache(request: CacheImport, deps: ImportDeps): Promise<ImportedCache> {
  const name = nameOfImport(request);
  if (request.type === 'local') {
    const store = deps.client.contentStore(`local:${request.store}`);
    const reader = clientReader(store);
    const bytes = await readChecked(store, request.digest, mostBytes);
    const target = { mediaType: mediaTypeOf(bytes), digest: request.digest, size: bytes.length };
    return { name, configs: await readCaches(target, bytes, reader), open: (blob) => openClientBlob(store, blob) };
  }
  const { transfers, client, signal } = deps;
  const { reference } = request;
  const credentials = await client.credentials(reference.domain);
  const repository = transfers.client.repository(reference, credentials);
  const target = await transfers.puller.resolveTarget(reference, { credentials, signal });
  const reader: CacheReader = {
    manifest: async ({ digest }) => (await repository.manifest(digest, signal)).bytes,
    blob: (descriptor) => fetchContent(repository, descriptor, signal),
  };
  const configs = await readCaches(target.descriptor, target.bytes, reader);
  return { name, configs, open: (blob) => openRemoteBlob(transfers.client.transport, repository, blob) };
}

/** Of what is read as a whole. */
const mostBytes = 8 << 20;

function clientReader(store: ClientContent): CacheReader {
  const read = ({ digest, size }: Descriptor) => readChecked(store, digest, Math.min(size, mostBytes));
  return { manifest: read, blob: read };
}

async function readChecked(store: ClientContent, digest: Digest, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of store.read(digest)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) throw new EngineError('data_loss', `content ${digest} is larger than it should be`);
  }
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes) === digest) return bytes;
  throw new EngineError('data_loss', `content verification failed for digest ${digest}`);
}

/** Both of the two that a cache can be say it of themselves. */
function mediaTypeOf(bytes: Buffer): string {
  try {
    const { mediaType } = JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : '';
  } catch {
    return '';
  }
}

function openClientBlob(store: ClientContent, { digest }: Descriptor): OpenBlob {
  // From the first byte, wherever it should go on.
  return async () => {
    const content = store.read(digest);
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await content.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await content.return?.(undefined)),
    });
    return { response: new Response(body), partial: false };
  };
}
