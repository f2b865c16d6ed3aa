import type { ImageConfig } from '@wharf/oci/image-config';
import type { Platform } from '@wharf/oci/platform';
import type { FileJobs } from '../trees/file-job.ts';
import type { TreeStat } from '../trees/tree-view.ts';
import type { WarningEvent } from './progress.ts';

/** Turns a request (a Dockerfile and its options) into results, with the solver's help. A function; keeps no state. */
export type Frontend = (bridge: FrontendBridge, request: FrontendRequest) => Promise<FrontendResult>;

export interface FrontendRequest {
  /** As in SolveRequest.FrontendAttrs: `filename`, `target`, `build-arg:X`, `label:X`, `platform`... */
  readonly options: Readonly<Record<string, string>>;
  /** Named inputs, each a definition. */
  readonly inputs: Readonly<Record<string, Definition>>;
  readonly signal: AbortSignal;
}

/** pb.Definition, still encoded: a vertex's digest is the sha256 of its bytes, so they are kept as they came. */
export interface Definition {
  /** Marshalled pb.Op; the last one has the result as its only input and no op of its own. */
  readonly def: readonly Uint8Array[];
  /** By digest of the op. */
  readonly metadata: Readonly<Record<string, OpMetadata>>;
  readonly source?: DefinitionSource;
}

export interface OpMetadata {
  readonly ignoreCache?: boolean;
  /** `llb.customname` is what people see. */
  readonly description?: Readonly<Record<string, string>>;
  readonly exportCache?: boolean;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak: boolean };
}

/** Where in which file each op comes from: errors point there. */
export interface DefinitionSource {
  readonly infos: readonly { readonly filename: string; readonly data: Uint8Array; readonly language: string }[];
  readonly locations: Readonly<
    Record<
      string,
      readonly {
        readonly sourceIndex: number;
        readonly ranges: readonly {
          readonly start: { readonly line: number; readonly character: number };
          readonly end: { readonly line: number; readonly character: number };
        }[];
      }[]
    >
  >;
}

/** What a frontend may ask for. */
export interface FrontendBridge {
  /** Lazy unless `evaluate`: nothing runs before a file of it is read or it is exported. */
  solve(request: BridgeSolve): Promise<FrontendResult>;
  resolveImageConfig(reference: string, options: ResolveImage): Promise<ResolvedImage>;
  /** Bytes of a file in a result; not_found where there is none. */
  readFile(ref: Ref, path: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array>;
  /** By name, those that match the pattern where there is one. */
  readDirectory(ref: Ref, path: string, includePattern?: string): Promise<FileJobs['list']['answer']>;
  /** Links are followed. */
  statFile(ref: Ref, path: string): Promise<TreeStat>;
  warn(warning: WarningEvent): void;
  /** A vertex of the frontend's own (`[internal] load build definition`): shown as running while `body` does. */
  readonly buildId: string;
  readonly sessionId: string;
  /** Entitlements that the client has granted: `network.host`, `security.insecure`. */
  readonly entitlements: ReadonlySet<string>;
}

export type BridgeSolve = {
  readonly evaluate?: boolean;
  readonly cacheImports?: readonly CacheOption[];
} & (
  | {
      readonly definition: Definition;
      /** What it does in the Dockerfile's own words, in order. */
      readonly steps?: readonly DockerfileStep[];
    }
  | {
      /** '' with a definition; `dockerfile.v0`, `gateway.v0` (with `source`). */
      readonly frontend: string;
      readonly options: Readonly<Record<string, string>>;
      readonly inputs?: Readonly<Record<string, Definition>>;
    }
);

/** An instruction of a Dockerfile. */
export interface DockerfileStep {
  /** As it stands there. */
  readonly code: string;
  /** It is not in this Dockerfile: the base image's ONBUILD has it. */
  readonly isTrigger: boolean;
  /** Digest of what has the files of its stage afterwards; undefined where there are none. */
  readonly vertex: string | undefined;
  /** The vertex is this instruction's own. */
  readonly changed: boolean;
}

export interface CacheOption {
  /** registry, local, inline */
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResolveImage {
  readonly platform?: Platform;
  /** '' or `default` prefers what is here; `pull` asks the registry; `local` never does. */
  readonly resolveMode: string;
  /** What progress calls it. */
  readonly logName: string;
}

export interface ResolvedImage {
  /** With tag, as it is to be named in the op. */
  readonly reference: string;
  readonly digest: string;
  /** The config's bytes as they are stored. */
  readonly config: Uint8Array;
}

/** The result of a vertex, maybe not computed yet. Opaque: only the bridge and the exporters look inside. */
export interface Ref {
  readonly id: string;
  /** Computes it where it is not there yet. */
  evaluate(): Promise<void>;
  /** The definition it came from. */
  readonly definition: Definition;
}

/** One result, or one a platform. */
export interface FrontendResult {
  /** `default` for the single one, else the platform's id. undefined is an empty result (scratch). */
  readonly refs: ReadonlyMap<string, Ref | undefined>;
  /**
   * As BuildKit's exporter keys: `containerimage.config` or `containerimage.config/<platform id>` (image config JSON:
   * the exporter adds rootfs and the `created` of history), `refs.platforms` (JSON of {Platforms: [{ID, Platform}]}),
   * `containerimage.inlinecache`, `frontend.xxx`, `result.txt`, `annotation...`.
   */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/** What a Dockerfile says an image runs with, before the exporter completes it. */
export type ImageConfigDraft = Omit<ImageConfig, 'rootfs'> & { readonly rootfs?: ImageConfig['rootfs'] };
