import { expect, test } from 'bun:test';
import type { ImageSummary, ManifestSummary } from '@wharf/api/image';
import { formatImageTree } from './image-tree.ts';

const digest = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;

function manifest(digit: string, total: number, changes: Partial<ManifestSummary>): ManifestSummary {
  const descriptor = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digest(digit), size: 1 };
  return {
    ID: digest(digit),
    Descriptor: descriptor,
    Available: total > 0,
    Size: { Content: total / 2, Total: total },
    Kind: 'image',
    ...changes,
  };
}

function image(changes: Partial<ImageSummary>): ImageSummary {
  const none = { ParentId: '', RepoTags: [], RepoDigests: [], Created: 0, SharedSize: -1, Labels: null };
  return { ...none, Id: digest('f'), Size: 1000, Containers: 0, ...changes };
}

test('platforms stand below their image, attestations nowhere', () => {
  const tree = formatImageTree([
    image({
      RepoTags: ['app:1', 'app:latest'],
      Manifests: [
        manifest('a', 2_000_000, {
          ImageData: {
            Platform: { os: 'linux', architecture: 'amd64' },
            Containers: ['c'],
            Size: { Unpacked: 1_000_000 },
          },
        }),
        manifest('b', 0, {
          ImageData: {
            Platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
            Containers: [],
            Size: { Unpacked: 0 },
          },
        }),
        manifest('c', 500, { Kind: 'attestation', AttestationData: { For: digest('a') } }),
      ],
    }),
    image({}),
  ]);
  expect(tree).toBe(
    [
      'U: in use',
      '',
      'IMAGE                ID             DISK USAGE   CONTENT SIZE   EXTRA',
      'app:1',
      'app:latest           ffffffffffff          2MB            1MB   U',
      '├─ linux/amd64       aaaaaaaaaaaa          2MB            1MB   U',
      '└─ linux/arm64/v8    bbbbbbbbbbbb           0B             0B',
      '',
      '<untagged>           ffffffffffff          1kB             0B',
      '',
    ].join('\n'),
  );
});
