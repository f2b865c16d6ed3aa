import type { ManifestSummary } from '@wharf/api/image';
import type { ManifestView } from '@wharf/store/images/list-manifests';
import type { ImageUsers } from './image-deps.ts';

/** An image's manifests as list and inspect show them from 1.47 on. */
export function summarizeManifests(manifests: readonly ManifestView[], containers: ImageUsers): ManifestSummary[] {
  return manifests.map(({ descriptor, kind, available, platform, contentSize, unpackedSize, attests }) => {
    const users = [...containers.values()].filter(({ image }) => image.manifest.digest === descriptor.digest);
    return {
      ID: descriptor.digest,
      Descriptor: descriptor,
      Available: available,
      Size: { Content: contentSize, Total: contentSize + unpackedSize },
      Kind: kind,
      ...(kind === 'image' && {
        ImageData: {
          Platform: platform ?? { os: '', architecture: '' },
          Containers: users.map(({ id }) => id),
          Size: { Unpacked: unpackedSize },
        },
      }),
      ...(kind === 'attestation' && { AttestationData: { For: attests ?? '' } }),
    };
  });
}
