import type { Descriptor } from '@wharf/oci/descriptor';
import { type Manifest, parseManifest } from '@wharf/oci/manifest';
import { mediaTypes } from '@wharf/oci/media-type';
import type { Platform } from '@wharf/oci/platform';

/** One platform's image in a list, with the names and the order that docker's own files have. */
export interface ManifestEntry {
  readonly Ref: string;
  readonly Descriptor: Descriptor;
  /** Base64 of the manifest as its registry has it. */
  readonly Raw: string;
  readonly SchemaV2Manifest?: object;
  readonly OCIManifest?: object;
}

export function createEntry(ref: string, descriptor: Descriptor, bytes: Buffer, platform: Platform): ManifestEntry {
  const { mediaType, digest, size } = descriptor;
  const shown = shownManifest(parseManifest(bytes), mediaType);
  return {
    Ref: ref,
    Descriptor: { mediaType, digest, size, platform: orderedPlatform(platform) },
    Raw: bytes.toString('base64'),
    ...(mediaType === mediaTypes.ociManifest ? { OCIManifest: shown } : { SchemaV2Manifest: shown }),
  };
}

/** As docker prints a manifest: known fields only, in its order. */
export function shownManifest({ config, layers, annotations }: Manifest, mediaType: string): object {
  return {
    schemaVersion: 2,
    mediaType,
    config: shownDescriptor(config, mediaType),
    layers: layers.map((layer) => shownDescriptor(layer, mediaType)),
    ...(annotations && { annotations }),
  };
}

/** Docker's own manifests and all lists have the size before the digest, those of OCI after it. */
export function shownDescriptor(
  { mediaType, size, digest, urls, annotations }: Descriptor,
  container: string = mediaTypes.dockerManifest,
): object {
  const ordered = container === mediaTypes.ociManifest ? { mediaType, digest, size } : { mediaType, size, digest };
  return { ...ordered, ...(urls?.length && { urls }), ...(annotations && { annotations }) };
}

export function orderedPlatform(platform: Platform): Platform {
  const { architecture, os, variant } = platform;
  const version = platform['os.version'];
  const features = platform['os.features'];
  return {
    architecture,
    os,
    ...(version && { 'os.version': version }),
    ...(features?.length && { 'os.features': features }),
    ...(variant && { variant }),
  };
}

/** A manifest list, or an index where its images are OCI's. */
export function listOf(entries: readonly ManifestEntry[]): { mediaType: string; value: object } {
  const isOci = entries[0]?.Descriptor.mediaType === mediaTypes.ociManifest;
  const mediaType = isOci ? mediaTypes.ociIndex : mediaTypes.dockerManifestList;
  const manifests = entries.map(({ Descriptor: { platform, ...descriptor } }) => ({
    ...shownDescriptor(descriptor),
    ...(platform && { platform: orderedPlatform(platform) }),
  }));
  return { mediaType, value: { schemaVersion: 2, mediaType, manifests } };
}
