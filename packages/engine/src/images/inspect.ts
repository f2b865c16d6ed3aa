import type { ImageInspect, ManifestSummary } from '@wharf/api/image';
import { invalidArgument } from '@wharf/base/error';
import type { Platform } from '@wharf/oci/image-config';
import type { ImageRecord } from '@wharf/store/images/image-store';
import { type ImageDeps, imagesOf } from './image-deps.ts';

export function inspectImage(
  { images, containers }: Pick<ImageDeps, 'images' | 'containers'>,
  name: string,
  { manifests, platform }: { manifests: boolean; platform?: Platform },
): ImageInspect {
  if (manifests && platform)
    throw invalidArgument('conflicting options: manifests and platform options cannot both be set');
  const image = images.resolve(name, platform);
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? '',
    ...(config.created !== undefined && { Created: config.created }),
    Author: config.author ?? '',
    Config: config.config ?? null,
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] !== undefined && { OsVersion: config['os.version'] }),
    Size: image.size,
    GraphDriver: { Name: 'overlayfs', Data: null },
    RootFS: { Type: 'layers', Layers: [...image.diffIds] },
    Metadata: { LastTagTime: image.lastTagTime },
    Descriptor: image.target,
    ...(manifests && { Manifests: [summarizeManifest(image, usersOf(containers, image.id))] }),
  };
}

export function summarizeManifest(image: ImageRecord, users: readonly string[]): ManifestSummary {
  const { os, architecture, variant } = image.config;
  const unpacked = image.layerSizes.reduce((total, size) => total + size, 0);
  return {
    ID: image.manifest.digest,
    Descriptor: image.manifest,
    Available: true,
    Size: { Content: image.size - unpacked, Total: image.size },
    Kind: 'image',
    ImageData: {
      Platform: { os, architecture, ...(variant !== undefined && { variant }) },
      Containers: [...users],
      Size: { Unpacked: unpacked },
    },
  };
}

export function usersOf(containers: ImageDeps['containers'], imageId: string): string[] {
  return [...containers.values()].filter((container) => imagesOf(container).has(imageId)).map(({ id }) => id);
}
