import type { Descriptor } from '@wharf/oci/descriptor';
import { RegistryError, readRegistryError } from '../client/registry-error.ts';
import type { Repository } from '../client/repository.ts';
import type { Transport } from '../client/transport.ts';
import type { OpenBlob } from './download-blob.ts';

const foreign = /\.(foreign|nondistributable)\./;

/**
 * Opens a blob in its repository; a foreign layer at the addresses that its descriptor names, where the repository
 * does not have it. Those get no credentials: who wrote the manifest chose them (CVE-2020-15157).
 */
export function openRemoteBlob(
  transport: Transport,
  repository: Repository,
  { digest, mediaType, urls = [] }: Descriptor,
): OpenBlob {
  return async ({ offset, end, signal }) => {
    try {
      return await repository.blob(digest, { offset, end, signal });
    } catch (error) {
      const elsewhere = foreign.test(mediaType) ? urls.filter((url) => /^https?:\/\//.test(url)) : [];
      if (!(error instanceof RegistryError) || elsewhere.length === 0) throw error;
      return openElsewhere(transport, elsewhere, { offset, end, signal });
    }
  };
}

async function openElsewhere(
  transport: Transport,
  urls: readonly string[],
  { offset, end, signal }: Parameters<OpenBlob>[0],
): ReturnType<OpenBlob> {
  const headers: Record<string, string> =
    offset === 0 && end === undefined ? {} : { Range: `bytes=${offset}-${end === undefined ? '' : end - 1}` };
  let failure: unknown;
  for (const url of urls) {
    try {
      const response = await transport.send(url, { method: 'GET', headers, signal, follow: true });
      if (response.ok) return { response, partial: response.status === 206 };
      throw await readRegistryError(response, `GET request to ${new URL(url).host}`);
    } catch (error) {
      if (signal.aborted) throw error;
      failure ??= error;
    }
  }
  throw failure;
}
