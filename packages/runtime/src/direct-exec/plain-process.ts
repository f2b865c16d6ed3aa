import type { OciProcess } from '@wharf/oci/runtime-spec';
import { rlimitNumbers } from '@wharf/sys/rlimit';
import { knownCapabilities } from '../spec/capabilities.ts';
import { searchPath } from './execute.ts';

const processKeys = new Set([
  ...['terminal', 'consoleSize', 'user', 'args', 'env', 'cwd', 'capabilities', 'rlimits'],
  ...['noNewPrivileges', 'oomScoreAdj', 'apparmorProfile'],
]);
const userKeys = new Set(['uid', 'gid', 'umask', 'additionalGids']);
const capabilityKeys = new Set(['bounding', 'effective', 'permitted', 'inheritable', 'ambient']);
const capabilityNames = new Set<string>(knownCapabilities);
const rlimitTypes = new Set(Object.keys(rlimitNumbers).map((name) => `RLIMIT_${name.toUpperCase()}`));

/** True for a process that asks for nothing but what a join program knows how to do. */
export function isPlainProcess(process: object): process is OciProcess {
  const { user, args, env, cwd, capabilities, rlimits } = process as Partial<OciProcess>;
  if (!hasOnly(process, processKeys) || !user || !args?.[0] || !env || !cwd?.startsWith('/') || !capabilities)
    return false;
  if (!hasOnly(user, userKeys) || !hasOnly(capabilities, capabilityKeys)) return false;
  if (
    !Object.values(capabilities).every((names: readonly string[]) => names.every((name) => capabilityNames.has(name)))
  )
    return false;
  if (rlimits?.some(({ type }) => !rlimitTypes.has(type))) return false;
  if ([...args, ...env, cwd].some((text) => text.includes('\0'))) return false;
  return args[0].includes('/') || searchPath(env) !== undefined;
}

export function hasOnly(object: object, keys: ReadonlySet<string>): boolean {
  return Object.keys(object).every((key) => keys.has(key));
}
