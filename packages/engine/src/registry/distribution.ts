import type { DistributionInspect } from '@wharf/api/registry';
import { parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import { parseReference, withDefaultTag } from '@wharf/oci/reference';
import { decodeCredentials } from '@wharf/registry/client/credentials';
import { fetchContent } from '@wharf/registry/transfer/fetch-content';
import type { Transfers } from '@wharf/registry/transfer/transfers';

/** What a registry has under a name, and for which platforms, without pulling it. */
export async function inspectDistribution(
  { transfers }: { readonly transfers: Transfers },
  name: string,
  { auth, signal }: { auth: string | undefined; signal: AbortSignal },
): Promise<DistributionInspect> {
  const reference = withDefaultTag(parseReference(name));
  const credentials = decodeCredentials(auth);
  const { descriptor, bytes } = await transfers.puller.resolveTarget(reference, { credentials, signal });
  if (isIndexType(descriptor.mediaType)) {
    const platforms = parseIndex(bytes).manifests.flatMap(({ platform }) => (platform ? [platform] : []));
    return { Descriptor: descriptor, Platforms: platforms };
  }
  const { config } = parseManifest(bytes);
  if (!isImageConfigType(config.mediaType)) return { Descriptor: descriptor, Platforms: [] };
  const repository = transfers.client.repository(reference, credentials);
  const { os, architecture, variant } = parseImageConfig(await fetchContent(repository, config, signal));
  return { Descriptor: descriptor, Platforms: [{ architecture, os, ...(variant ? { variant } : {}) }] };
}
