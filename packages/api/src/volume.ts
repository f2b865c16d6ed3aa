import type { StringMap } from './common.ts';

export interface VolumeCreateRequest {
  /** '' makes an anonymous volume. */
  Name: string;
  /** '' is local. */
  Driver: string;
  DriverOpts: StringMap;
  Labels: StringMap;
  /** Cluster volumes only. */
  ClusterVolumeSpec: object | null;
}

export interface VolumeInspect {
  Name: string;
  Driver: string;
  Mountpoint: string;
  CreatedAt: string;
  Status?: Record<string, unknown>;
  Labels: StringMap | null;
  Scope: string;
  Options: StringMap | null;
  /** Of a swarm's volume. */
  ClusterVolume?: ClusterVolume;
  /** In `system/df` only. */
  UsageData?: { Size: number; RefCount: number };
}

export interface ClusterVolume {
  ID: string;
  Version?: { Index: number };
  Spec: { Group?: string; Availability?: string };
  Info?: { VolumeID?: string };
  PublishStatus?: { State?: string }[] | null;
}

export interface VolumeList {
  Volumes: VolumeInspect[];
  Warnings: string[] | null;
}
