import { invalidArgument } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import type { Compression } from '@wharf/oci/layer/compression';
import { parseImageConfig } from '@wharf/oci/manifest';
import { mediaTypes } from '@wharf/oci/media-type';
import { formatPlatform, matchesPlatform, type Platform } from '@wharf/oci/platform';
import { parseReference, type Reference } from '@wharf/oci/reference';
import type { ArchiveLayer, ArchiveMembers } from './archive-members.ts';
import type { LoadedImage } from './loaded-image.ts';

interface ArchiveItem {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

const layerTypes = {
  none: mediaTypes.dockerLayer,
  gzip: `${mediaTypes.dockerLayer}.gzip`,
  zstd: `${mediaTypes.dockerLayer}.zstd`,
} as const satisfies Record<Compression, string>;

/** `manifest.json`, as `docker save` has written it since 1.10. */
export function readDockerArchive(
  members: ArchiveMembers,
  manifest: Buffer,
  platforms: readonly Platform[],
): LoadedImage[] {
  return parseItems(manifest).map((item) => {
    const config = members.file(item.Config);
    if (!config) throw invalidArgument(`invalid archive: ${JSON.stringify(item.Config)} does not exist`);
    const parsed = parseImageConfig(config);
    requirePlatform(parsed, platforms);
    const diffIds = parsed.rootfs.diff_ids;
    if (diffIds.length !== item.Layers.length) {
      throw invalidArgument(
        `invalid manifest, layers length mismatch: expected ${item.Layers.length}, got ${diffIds.length}`,
      );
    }
    const layers = item.Layers.map((name, index) => layerNamed(members, name, { index, expected: diffIds[index]! }));
    return describe(config, layers, (item.RepoTags ?? []).map(parseTag));
  });
}

function requirePlatform(offered: Platform, wanted: readonly Platform[]): void {
  if (wanted.length === 0 || wanted.some((platform) => matchesPlatform(platform, offered))) return;
  const names = wanted.map(formatPlatform).join(', ');
  throw invalidArgument(
    `image might be filtered out by platform: the archive holds ${formatPlatform(offered)}, not ${names}`,
  );
}

/** The manifest that a registry would have: the same archive always gives the same image id. */
export function describe(
  config: Buffer,
  layers: readonly ArchiveLayer[],
  names: readonly Reference[],
): LoadedImage & { readonly target: LoadedImage['target'] } {
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.dockerConfig, digest: digestOf(config), size: config.length },
      layers: layers.map(({ compression, blobDigest, blobSize }) => ({
        mediaType: layerTypes[compression],
        digest: blobDigest,
        size: blobSize,
      })),
    }),
  );
  const target = { mediaType: mediaTypes.dockerManifest, digest: digestOf(manifest), size: manifest.length };
  const blobs = new Map<Digest, Buffer>([
    [target.digest, manifest],
    [digestOf(config), config],
  ]);
  return { target, names, blobs, layers };
}

function layerNamed(
  members: ArchiveMembers,
  name: string,
  { index, expected }: { index: number; expected: Digest },
): ArchiveLayer {
  const layer = members.layer(name);
  if (!layer) throw invalidArgument(`invalid archive: ${JSON.stringify(name)} does not exist`);
  if (layer.diffId !== expected) {
    throw invalidArgument(
      `invalid diffID for layer ${index}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(layer.diffId)}`,
    );
  }
  return layer;
}

function parseTag(text: string): Reference {
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined) {
    throw invalidArgument(`invalid tag ${JSON.stringify(text)}`);
  }
  return reference;
}

function parseItems(manifest: Buffer): ArchiveItem[] {
  let items: unknown;
  try {
    items = JSON.parse(manifest.toString('utf8'));
  } catch (cause) {
    throw invalidArgument('invalid archive: manifest.json is not JSON', { cause });
  }
  if (!Array.isArray(items) || items.length > 10_000 || !items.every(isItem)) {
    throw invalidArgument('invalid archive: manifest.json');
  }
  return items;
}

function isItem(value: unknown): value is ArchiveItem {
  if (typeof value !== 'object' || value === null) return false;
  const { Config, RepoTags = null, Layers } = value as Record<string, unknown>;
  const isTexts = (list: unknown) => Array.isArray(list) && list.every((item) => typeof item === 'string');
  return typeof Config === 'string' && (RepoTags === null || isTexts(RepoTags)) && isTexts(Layers);
}
