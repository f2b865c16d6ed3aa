import { invalidArgument } from '@wharf/base/error';
import type { SeccompAction, SeccompArgument, SeccompOperator } from '@wharf/oci/runtime-spec';

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
  if (!isObject(profile)) throw decodingFailed('the profile is not an object');
  const { architectures, archMap, syscalls, defaultAction } = profile;
  requireAction(defaultAction);
  requireTexts('architectures', architectures);
  requireList('archMap', archMap, (entry) => requireTexts('subArchitectures', entry.subArchitectures));
  requireList('syscalls', syscalls, requireRule);
  const checked = profile as unknown as SeccompProfile;
  if (checked.architectures?.length && checked.archMap?.length) {
    throw invalidArgument(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  return checked;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

const operators: ReadonlySet<string> = new Set<SeccompOperator>([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]);

function requireAction(action: unknown): void {
  if (typeof action !== 'string' || !actions.has(action)) throw decodingFailed(`unknown action "${action}"`);
}

function requireRule({ name, names, action, args, includes, excludes }: JsonObject): void {
  if (name && Array.isArray(names) && names.length > 0) {
    throw invalidArgument("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
  }
  requireAction(action);
  requireTexts('names', names);
  requireList('args', args, requireArgument);
  for (const filter of [includes, excludes]) {
    if (filter === undefined || filter === null) continue;
    if (!isObject(filter)) throw decodingFailed('includes and excludes are objects');
    requireTexts('caps', filter.caps);
    requireTexts('arches', filter.arches);
  }
}

function requireArgument({ index, value, valueTwo = 0, op }: JsonObject): void {
  const isIndex = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < 6;
  const isNumber = (number: unknown) => typeof number === 'number' && Number.isInteger(number) && number >= 0;
  if (!isIndex || !isNumber(value) || !isNumber(valueTwo)) throw decodingFailed('an argument is not a number in range');
  if (typeof op !== 'string' || !operators.has(op)) throw decodingFailed(`unknown operator "${op}"`);
}

function requireList(field: string, list: unknown, requireEntry: (entry: JsonObject) => void): void {
  if (list === undefined || list === null) return;
  if (!Array.isArray(list) || !list.every(isObject)) throw decodingFailed(`${field} is not a list of objects`);
  for (const entry of list) requireEntry(entry);
}

function requireTexts(field: string, list: unknown): void {
  if (list === undefined || list === null) return;
  if (Array.isArray(list) && list.every((entry) => typeof entry === 'string')) return;
  throw decodingFailed(`${field} is not a list of strings`);
}

function decodingFailed(why: string): Error {
  return invalidArgument(`Decoding seccomp profile failed: ${why}`);
}
