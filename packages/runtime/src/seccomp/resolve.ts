import type { OciSeccomp, SeccompSyscall } from '@wharf/oci/runtime-spec';
import type { ProfileRule, RuleFilter, SeccompProfile } from './profile.ts';

/** What a profile's conditions are tested against. */
export interface SeccompTarget {
  readonly capabilities: readonly string[];
  /** Go's name of this processor: amd64, arm64... */
  readonly architecture: string;
  readonly kernel: readonly [major: number, minor: number];
}

const nativeArchitectures: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  riscv64: 'SCMP_ARCH_RISCV64',
  s390x: 'SCMP_ARCH_S390X',
};

/** The OCI profile that this target gets: conditions decided, nothing left to depend on. */
export function resolveProfile(profile: SeccompProfile, target: SeccompTarget): OciSeccomp {
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: resolveArchitectures(profile, target),
    ...(profile.flags?.length && { flags: profile.flags }),
    ...(profile.listenerPath && { listenerPath: profile.listenerPath }),
    ...(profile.listenerMetadata && { listenerMetadata: profile.listenerMetadata }),
    syscalls: (profile.syscalls ?? []).filter((rule) => applies(rule, target)).map(toOciRule),
  };
}

function resolveArchitectures({ architectures, archMap }: SeccompProfile, target: SeccompTarget): readonly string[] {
  if (architectures?.length) return architectures;
  const native = nativeArchitectures[target.architecture];
  return (archMap ?? [])
    .filter((entry) => entry.architecture === native)
    .flatMap((entry) => [entry.architecture, ...(entry.subArchitectures ?? [])]);
}

function toOciRule({ name, names, action, errnoRet, args }: ProfileRule): SeccompSyscall {
  return {
    names: names?.length ? names : [name ?? ''],
    action,
    ...(errnoRet !== undefined && { errnoRet }),
    ...(args?.length && { args }),
  };
}

/** Any exclusion that holds drops the rule; all the capabilities of an inclusion must be there. */
function applies({ includes, excludes }: ProfileRule, target: SeccompTarget): boolean {
  return !isExcluded(excludes ?? {}, target) && isIncluded(includes ?? {}, target);
}

function isExcluded({ arches, caps, minKernel }: RuleFilter, target: SeccompTarget): boolean {
  if (arches?.includes(target.architecture)) return true;
  if (caps?.some((capability) => target.capabilities.includes(capability))) return true;
  return minKernel !== undefined && isAtLeast(target.kernel, minKernel);
}

function isIncluded({ arches, caps, minKernel }: RuleFilter, target: SeccompTarget): boolean {
  if (arches?.length && !arches.includes(target.architecture)) return false;
  if (caps?.length && !caps.every((capability) => target.capabilities.includes(capability))) return false;
  return minKernel === undefined || isAtLeast(target.kernel, minKernel);
}

function isAtLeast([major, minor]: SeccompTarget['kernel'], wanted: string): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
