import type { Digest } from '@wharf/oci/digest';
import { readRegistryError } from './registry-error.ts';
import type { Repository } from './repository.ts';

/**
 * Asks the registry to take a blob over from another of its repositories. Resolves with where to upload it, if it
 * will not; undefined once it has. distribution-spec: Mounting a blob from another repository
 */
export async function mountBlob(
  repository: Repository,
  { digest, from, signal }: { digest: Digest; from: string; signal: AbortSignal },
): Promise<{ mounted: boolean; location?: string }> {
  const query = new URLSearchParams({ mount: digest, from });
  const response = await repository.send(repository.pushHost(), `blobs/uploads/?${query}`, {
    method: 'POST',
    headers: { 'Content-Length': '0' },
    signal,
    scopes: repository.pushScopes(from),
  });
  if (!response.ok) throw await readRegistryError(response, 'POST request to the registry');
  await response.body?.cancel().catch(() => undefined);
  const location = response.headers.get('location');
  if (response.status === 201) return { mounted: true };
  return { mounted: false, ...(location ? { location: new URL(location, response.url).href } : {}) };
}
