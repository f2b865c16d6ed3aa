import type { ContainerConfig, ContainerStatus, HostConfig } from '@wharf/api/container';
import type { EndpointSettings } from '@wharf/api/network';
import type { Descriptor } from '@wharf/oci/descriptor';

/**
 * One container as meta.db keeps it. What the client asked for keeps Docker's spelling (`config`, `hostConfig`,
 * `endpoints`), so that inspect gives back what create was told; the rest is ours.
 * Records are immutable: every change puts a new object.
 */
export interface ContainerRecord {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  /** Merged with the image's own. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly image: ContainerImage;
  /** Resolved at create, in the order they were given. */
  readonly mounts: readonly ContainerMount[];
  /** By network name: the client's wishes; addresses live in the network's own records. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  /** The program and its arguments: Entrypoint + Cmd. */
  readonly path: string;
  readonly args: readonly string[];
  readonly logPath: string;
  readonly state: ContainerState;
  readonly restartCount: number;
  /** Stopped by a client: `unless-stopped` stays down for good, `always` until the daemon starts again. */
  readonly manuallyStopped: boolean;
  /** Paused for the time of a commit alone: whatever became of that, it goes on at the daemon's next start. */
  readonly pausedForCommit?: boolean;
  /** `doomed` while being made or removed: a daemon that finds it at its start removes it, anonymous volumes too. */
  readonly phase: 'ready' | 'doomed';
}

export interface ContainerImage {
  readonly id: string;
  /** As the client wrote it: what `docker ps` shows. */
  readonly name: string;
  readonly manifest: Descriptor;
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** Bottom to top. */
  readonly diffIds: readonly string[];
}

export interface ContainerState {
  readonly status: ContainerStatus;
  /** 0 when nothing runs. */
  readonly pid: number;
  readonly exitCode: number;
  readonly error: string;
  readonly oomKilled: boolean;
  /** RFC 3339 with nanoseconds, or Go's zero time. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** One mount point; what SPEC needs to write it into the runtime spec and inspect needs to show it. */
export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Absolute path inside the container. */
  readonly destination: string;
  /** Host path of a bind; a volume's directory; empty for tmpfs. */
  readonly source: string;
  /** Volume name, or an image's as it was written; empty otherwise. */
  readonly name: string;
  readonly driver: string;
  /** Anonymous volumes go with `docker rm -v` and `--rm`. */
  readonly anonymous: boolean;
  readonly readOnly: boolean;
  /** As given: `z`, `ro`, `rshared`. */
  readonly mode: string;
  readonly propagation: string;
  /** Copy the image's files into an empty volume at first start. */
  readonly copyUp: boolean;
  /** Of a mount of type image: what it showed when the container was made. */
  readonly image?: { readonly id: string; readonly diffIds: readonly string[] };
  /** Directory inside the volume or image; empty for all of it. */
  readonly subpath: string;
  /** -v makes a missing host directory, --mount does not. */
  readonly createSource: boolean;
  readonly nonRecursive: boolean;
  readonly readOnlyNonRecursive: boolean;
  readonly readOnlyForceRecursive: boolean;
  /** tmpfs: mount(8) options as the kernel gets them. */
  readonly tmpfsOptions: readonly string[];
}
