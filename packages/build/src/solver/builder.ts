import type { CacheOption, Definition, Frontend, FrontendResult } from './frontend.ts';
import type { BuildEvent } from './progress.ts';
import type { BuildSession } from './session.ts';

/** Everything a wire asks of the builder. Implemented by LlbBuilder; one a daemon. */
export interface Builder {
  /** By the name that requests say: `dockerfile.v0`. */
  readonly frontends: Map<string, Frontend>;
  /** Runs to the end of the exports. What only this build needs stops when `signal` is aborted. */
  build(request: BuildRequest): Promise<BuildResponse>;
  /**
   * The events of a running or finished build from its beginning, until it ends. Waits for one that is about to begin
   * (buildx asks for Status before its Solve has arrived).
   */
  status(buildId: string, signal: AbortSignal): AsyncIterable<BuildEvent>;
  cancel(buildId: string): boolean;

  diskUsage(filters: readonly string[]): Promise<readonly CacheUsage[]>;
  /** Answers each record as it goes. */
  prune(request: PruneRequest): AsyncIterable<CacheUsage>;

  /** Records of builds, newest first. */
  history(): readonly BuildRecord[];
  /** History as it changes; first what is there. */
  watchHistory(request: HistoryWatch, signal: AbortSignal): AsyncIterable<HistoryEvent>;
  updateHistory(ref: string, change: { readonly pinned?: boolean; readonly delete?: boolean }): void;
  /** Why each step of a build ran or did not. */
  explain(ref: string): readonly StepExplanation[];

  close(): Promise<void>;
}

export interface BuildRequest {
  /** The client's reference (buildx's Ref); unique. */
  readonly id: string;
  readonly session: BuildSession | undefined;
  /** Further sessions of the same build, for multi-node clients and bake. */
  readonly signal: AbortSignal;
  /** '' with a definition, else a name of `frontends` or `gateway.v0`. */
  readonly frontend: string;
  readonly definition?: Definition;
  readonly options: Readonly<Record<string, string>>;
  readonly inputs?: Readonly<Record<string, Definition>>;
  readonly exporters: readonly ExporterRequest[];
  readonly cacheImports: readonly CacheOption[];
  readonly cacheExports: readonly CacheOption[];
  readonly entitlements: readonly string[];
  readonly limits?: BuildLimits;
  /** Called for every event besides `status`. */
  readonly progress?: (event: BuildEvent) => void;
  /** A build driven from outside (buildx's `--call`, bake and gateway clients): called instead of a frontend. */
  readonly run?: Frontend;
  /** Keep no history record: BuildKit's Internal. */
  readonly internal?: boolean;
}

export interface ExporterRequest {
  /** image (also `moby`), oci, docker, local, tar, cacheonly */
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** For every RUN of one build. */
export interface BuildLimits {
  /** Bytes. */
  readonly memory?: number;
  readonly memorySwap?: number;
  readonly cpuShares?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** RUNs at once. */
  readonly parallelSteps?: number;
  readonly cgroupParent?: string;
}

export interface BuildResponse {
  /** `containerimage.digest`, `containerimage.config.digest`, `image.name`, `buildx.build.ref`... */
  readonly exporterResponse: Readonly<Record<string, string>>;
  readonly result: FrontendResult;
}

/** As moby.buildkit.v1.UsageRecord. */
export interface CacheUsage {
  readonly id: string;
  readonly mutable: boolean;
  readonly inUse: boolean;
  readonly size: number;
  readonly parents: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly usageCount: number;
  readonly description: string;
  /** regular, internal, frontend, source.local, source.git.checkout, exec.cachemount */
  readonly recordType: string;
  readonly shared: boolean;
}

export interface PruneRequest {
  /** `id=..`, `until=24h`, `unused-for=..`, `type==regular`, `description~=..`, `inuse`, `shared`, `private`. */
  readonly filters: readonly string[];
  /** Internal and frontend records too. */
  readonly all: boolean;
  /** Milliseconds that a record must have been unused. */
  readonly keepDuration?: number;
  /** Bytes to leave in any case. */
  readonly reservedSpace?: number;
  readonly maxUsedSpace?: number;
  readonly minFreeSpace?: number;
}

export interface BuildRecord {
  readonly ref: string;
  readonly frontend: string;
  readonly frontendOptions: Readonly<Record<string, string>>;
  readonly exporters: readonly ExporterRequest[];
  readonly exporterResponse: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly completedAt?: number;
  readonly error?: { readonly code: string; readonly message: string };
  readonly steps: { readonly total: number; readonly completed: number; readonly cached: number };
  readonly warnings: number;
  readonly pinned: boolean;
  readonly generation: number;
  /** Digests of content: events (see BuildEvents in docs), provenance. */
  readonly materials: readonly { readonly uri: string; readonly digest: string }[];
}

export interface HistoryWatch {
  readonly activeOnly: boolean;
  readonly ref?: string;
  readonly earlyExit: boolean;
}

export interface HistoryEvent {
  readonly type: 'started' | 'complete' | 'deleted';
  readonly record: BuildRecord;
}

export interface StepExplanation {
  readonly vertex: string;
  readonly name: string;
  readonly outcome: 'cached' | 'ran' | 'failed' | 'canceled' | 'not reached';
  /** One sentence: `COPY src /src: src/main.go changed`. */
  readonly reason: string;
  readonly details: readonly string[];
  readonly milliseconds: number;
  /** Of a failed step: names its state for later. */
  readonly snapshot?: string;
}
