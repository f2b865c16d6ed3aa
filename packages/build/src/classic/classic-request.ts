import type { Reference } from '@wharf/oci/reference';
import type { BuildLimits } from '../solver/build-limits.ts';

/** What `POST /build` asks for. */
export interface ClassicRequest {
  /** Path in the context. */
  readonly dockerfile: string;
  /** Address of the context, of a repository or of a Dockerfile; '' where the client sends its own. */
  readonly remote: string;
  /** What `POST /build/cancel` calls it; '' has no name. */
  readonly buildId: string;
  readonly names: readonly Reference[];
  /** Undefined values take the frontend's own. */
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string;
  readonly platform: string;
  readonly networkMode: string;
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly quiet: boolean;
  /** Bytes. */
  readonly shmSize: number;
  readonly limits: BuildLimits;
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  /** `AuthConfig`s as they came, by the name that clients keep them under. */
  readonly registries: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}
