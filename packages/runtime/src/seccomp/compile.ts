import type { OciSeccomp, SeccompAction, SeccompOperator, SeccompSyscall } from '@wharf/oci/runtime-spec';
import { compileFilter, type FilterComparison, type FilterRule } from '@wharf/sys/seccomp-ffi';

const EPERM = 1;
const SCMP_ACT_KILL_THREAD = 0;

/** Values of seccomp.h; ERRNO and TRACE carry a number in their low bits. */
function actionNumber(action: SeccompAction, errno: number | undefined): number {
  switch (action) {
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return SCMP_ACT_KILL_THREAD;
    case 'SCMP_ACT_KILL_PROCESS':
      return 0x80000000;
    case 'SCMP_ACT_TRAP':
      return 0x00030000;
    case 'SCMP_ACT_ERRNO':
      return 0x00050000 | (errno ?? EPERM);
    case 'SCMP_ACT_TRACE':
      return 0x7ff00000 | (errno ?? EPERM);
    case 'SCMP_ACT_LOG':
      return 0x7ffc0000;
    case 'SCMP_ACT_NOTIFY':
      return 0x7fc00000;
    case 'SCMP_ACT_ALLOW':
      return 0x7fff0000;
  }
}

const operators: Record<SeccompOperator, number> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** True where a bare filter says all of it; flags and listeners need the runtime's help. */
export function isCompilable(profile: OciSeccomp): boolean {
  const notifies = profile.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  return !profile.flags?.length && !profile.listenerPath && !notifies;
}

/** The profile as the BPF program that the kernel runs at each system call. Takes some 10 ms. */
export function compileProfile(profile: OciSeccomp): Buffer {
  const defaultAction = actionNumber(profile.defaultAction, profile.defaultErrnoRet);
  return compileFilter({
    defaultAction,
    architectures: (profile.architectures ?? []).map((name) => name.replace('SCMP_ARCH_', '').toLowerCase()),
    rules: (profile.syscalls ?? []).flatMap((rule) => toFilterRules(rule, defaultAction)),
  });
}

function toFilterRules(rule: SeccompSyscall, defaultAction: number): FilterRule[] {
  const action = actionNumber(rule.action, rule.errnoRet);
  // libseccomp refuses rules that only repeat the default.
  if (action === defaultAction) return [];
  return rule.names.flatMap((syscall) =>
    alternatives(rule).map((comparisons): FilterRule => ({ syscall, action, comparisons })),
  );
}

/**
 * All comparisons of a rule must hold; but several on the same argument cannot be put into one libseccomp rule, and
 * the runtimes then take each as a rule of its own.
 */
function alternatives({ args }: SeccompSyscall): FilterComparison[][] {
  const comparisons = (args ?? []).map(
    ({ index, value, valueTwo, op }): FilterComparison => ({
      argument: index,
      operator: operators[op],
      a: BigInt(value),
      b: BigInt(valueTwo ?? 0),
    }),
  );
  const isRepeated = new Set(comparisons.map(({ argument }) => argument)).size < comparisons.length;
  return isRepeated ? comparisons.map((comparison) => [comparison]) : [comparisons];
}
