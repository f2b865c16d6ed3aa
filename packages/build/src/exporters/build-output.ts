import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { Platform } from '@wharf/oci/platform';
import type { Credentials } from '@wharf/registry/client/credentials';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { ImageConfigDraft } from '../solver/frontend.ts';
import type { Result } from '../solver/result.ts';
import type { StepViews } from '../solver/step-views.ts';
import type { ExportedTree } from './exported-tree.ts';

/** What a build made for one platform. */
export interface PlatformResult {
  /** As the frontend names it: `linux/amd64`. */
  readonly id: string;
  readonly platform: Platform;
  readonly result: Result;
  readonly draft: ImageConfigDraft;
  /** Manifests that say something of it, with their annotations. */
  readonly attestations: readonly Descriptor[];
}

/** A finished build, for its exporters. */
export interface BuildOutput {
  readonly platforms: readonly PlatformResult[];
  /** One platform of several, even where there is one only. */
  readonly isMultiPlatform: boolean;
  /** SOURCE_DATE_EPOCH of the build, seconds since 1970. */
  readonly epoch: number | undefined;
  readonly createdAt: (diffId: Digest) => number | undefined;
  readonly descriptorOf: (diffId: Digest) => Descriptor | undefined;
  /** The same layer with no file younger than an epoch. */
  readonly rewritten: (diffId: Digest, epoch: number) => Promise<Digest>;
  /** What an image is to carry for builds that take their cache from it. */
  readonly inlineCache: (layers: readonly Digest[]) => Uint8Array | undefined;
}

export interface ExportDeps {
  readonly dataRoot: string;
  readonly parts: ImageParts;
  readonly transfers: Transfers;
  readonly views: StepViews;
}

export interface ExportContext {
  /** The exporter's place in the request. */
  readonly id: number;
  readonly deps: ExportDeps;
  readonly build: BuildOutput;
  readonly client: ExportClient;
  readonly signal: AbortSignal;
  /** Shows a part of the export while it lasts. */
  readonly step: <T>(name: string, body: () => Promise<T>) => Promise<T>;
}

/** The one who asked for the build, as far as exporters need it. Throws where it has no place for what is sent. */
export interface ExportClient {
  sendFile(id: number, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** `time`, nanoseconds since 1970, is that of all files. */
  sendDirectory(id: number, trees: readonly ExportedTree[], time: bigint | undefined): Promise<void>;
  /** Content that the client keeps under a name. */
  contentStore(name: string): ClientContent;
  credentials(domain: string): Promise<Credentials>;
}

export interface ClientContent {
  has(digest: Digest): Promise<boolean>;
  /** Unchecked. Throws not_found. */
  read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined>;
  write(descriptor: Pick<Descriptor, 'digest' | 'size'>, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/** What clients are told of an export, by BuildKit's names. */
export type ExportResponse = Record<string, string>;
