import type { Descriptor } from '@wharf/oci/descriptor';
import type { ContainerDefaults, Platform } from '@wharf/oci/image-config';
import type { StringMap } from './common.ts';

export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Unix seconds. */
  Created: number;
  /** Bytes. */
  Size: number;
  /** -1 when not asked for. */
  SharedSize: number;
  Labels: StringMap | null;
  /** -1 when not counted. */
  Containers: number;
  Descriptor?: Descriptor;
  Manifests?: ManifestSummary[];
}

export interface ManifestSummary {
  ID: string;
  Descriptor: Descriptor;
  Available: boolean;
  Size: { Content: number; Total: number };
  Kind: 'image' | 'attestation' | 'unknown';
  ImageData?: { Platform: Platform; Containers: string[]; Size: { Unpacked: number } };
  AttestationData?: { For: string };
}

export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Comment: string;
  /** RFC 3339; absent when the image says none. */
  Created?: string;
  Author: string;
  Config: ContainerDefaults | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  GraphDriver?: { Name: string; Data: StringMap | null };
  RootFS: { Type: string; Layers?: string[] };
  Metadata: { LastTagTime: string };
  Descriptor?: Descriptor;
  Manifests?: ManifestSummary[];
}

export interface ImageHistoryItem {
  Id: string;
  /** Unix seconds. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

export type ImageDeleteItem = { Untagged: string } | { Deleted: string };
