import type { ImageInspect } from '@wharf/api/image';
import { invalidArgument } from '@wharf/base/error';
import type { Platform } from '@wharf/oci/image-config';
import type { ImageDeps } from './image-deps.ts';
import { summarizeManifests } from './summarize-manifests.ts';

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
    ...(manifests && { Manifests: summarizeManifests(images.manifests(image.id), containers) }),
  };
}
