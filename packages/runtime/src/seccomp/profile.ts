import { invalidArgument } from '@wharf/base/error';
import type { SeccompAction, SeccompArgument } from '@wharf/oci/runtime-spec';

/**
 * A seccomp profile in Docker's format: an OCI one whose rules may depend on the container's capabilities, the
 * processor and the kernel.
 */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[] | null;
  readonly archMap?: readonly ArchitectureMap[] | null;
  readonly flags?: readonly string[] | null;
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly ProfileRule[] | null;
}

export interface ArchitectureMap {
  readonly architecture: string;
  readonly subArchitectures?: readonly string[] | null;
}

export interface ProfileRule {
  readonly name?: string;
  readonly names?: readonly string[] | null;
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[] | null;
  readonly includes?: RuleFilter | null;
  readonly excludes?: RuleFilter | null;
}

export interface RuleFilter {
  readonly caps?: readonly string[] | null;
  /** Go's names: amd64, arm64... */
  readonly arches?: readonly string[] | null;
  /** `4.8` */
  readonly minKernel?: string;
}

/** Parses what a client sends in `SecurityOpt: seccomp=<JSON>`. Throws `Decoding seccomp profile failed: ...`. */
export function parseSeccompProfile(json: string): SeccompProfile {
  let profile: unknown;
  try {
    profile = JSON.parse(json);
  } catch (error) {
    throw decodingFailed(error instanceof Error ? error.message : String(error));
  }
  if (typeof profile !== 'object' || profile === null || Array.isArray(profile)) {
    throw decodingFailed('the profile is not an object');
  }
  const checked = profile as SeccompProfile;
  if (checked.architectures?.length && checked.archMap?.length) {
    throw invalidArgument(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  if (!actions.has(checked.defaultAction)) throw decodingFailed(`unknown action "${checked.defaultAction}"`);
  for (const rule of checked.syscalls ?? []) checkRule(rule);
  return checked;
}

const actions: ReadonlySet<string> = new Set<SeccompAction>([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]);

function checkRule(rule: ProfileRule): void {
  if (rule.name && rule.names?.length) {
    throw invalidArgument("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
  }
  if (!actions.has(rule.action)) throw decodingFailed(`unknown action "${rule.action}"`);
}

function decodingFailed(why: string): Error {
  return invalidArgument(`Decoding seccomp profile failed: ${why}`);
}
