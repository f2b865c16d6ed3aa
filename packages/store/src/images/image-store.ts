import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { ImageConfig, Platform } from '@wharf/oci/image-config';
import type { CopySource } from '../layers/copy-layer.ts';
import type { CommitOptions } from './commit-image.ts';
import type { ManifestView } from './list-manifests.ts';

/** Images in the local content store. Implemented by ContentImageStore. */
export interface ImageStore {
  /** By id, id prefix, name[:tag], name@digest; not_found `No such image: x`. */
  resolve(nameOrId: string, platform?: Platform): ImageRecord;
  images(): readonly ImageRecord[];
  tag(nameOrId: string, reference: string): void;
  /** Untags; deletes what nothing refers to any more. The answer has Docker's Untagged / Deleted order. */
  remove(
    nameOrId: string,
    options: { force: boolean; prune: boolean; usedBy: (imageId: string) => readonly ImageUser[] },
  ): Promise<readonly ({ Untagged: string } | { Deleted: string })[]>;
  /** What an image consists of, here or not. */
  manifests(id: string): readonly ManifestView[];
  /** Removes single platforms; `usedBy` is asked about their manifests. */
  removePlatforms(
    nameOrId: string,
    options: {
      platforms: readonly Platform[];
      force: boolean;
      usedBy: (manifest: string) => readonly ImageUser[];
    },
  ): Promise<readonly ({ Untagged: string } | { Deleted: string })[]>;
  /** docker-archive or OCI layout, gzip, zstd or plain; hostile archives are refused whole. */
  load(
    archive: Readable,
    options: { quiet: boolean; platforms?: readonly Platform[]; signal: AbortSignal },
    progress: (message: JsonMessage) => void,
  ): Promise<void>;
  /** OCI layout + manifest.json + repositories in one tar. */
  save(names: readonly string[], options: { platforms?: readonly Platform[]; signal: AbortSignal }): Promise<Readable>;
  /** `docker import`: one layer out of a root file system's tar. */
  import(
    archive: Readable,
    options: {
      reference?: string;
      message: string;
      changes: readonly string[];
      platform?: Platform;
      signal: AbortSignal;
    },
  ): Promise<string>;
  /** Makes an image of another and what an overlayfs upper directory changes of it. */
  commit(source: CopySource, options: CommitOptions): Promise<string>;
  /** Seconds-old, unreferenced content goes; answers the bytes freed. */
  collectGarbage(): Promise<number>;
}

export interface ImageUser {
  readonly containerId: string;
  readonly running: boolean;
}

export interface ImageRecord {
  /** `sha256:...` of the target manifest or index, as Docker 29 shows it. */
  readonly id: string;
  readonly target: Descriptor;
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  readonly configDigest: string;
  /** Bottom to top. */
  readonly diffIds: readonly string[];
  /** Bytes of each layer's files, in the same order. */
  readonly layerSizes: readonly number[];
  /** Familiar names with tag. */
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Content plus unpacked bytes. */
  readonly size: number;
  /** RFC 3339, when it was tagged here last. */
  readonly lastTagTime: string;
}
