import { capabilityBits } from './capability-bits.ts';
import type { JoinPlan } from './join-program.ts';
import type { ReportingProgram } from './reporting-program.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const SECCOMP_SET_MODE_FILTER = 1;
/** The runtimes' own default. */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const CAP_SYS_ADMIN = 21n;

/** User, groups, capabilities and seccomp filter, in an order in which each step still may do what it has to. */
export function becomeUser(program: ReportingProgram, { process, seccomp, lastCapability }: JoinPlan): void {
  const { user, capabilities, noNewPrivileges } = process;
  const bounding = capabilityBits(capabilities.bounding);
  for (let bit = 0; bit <= lastCapability; bit++) {
    if (((bounding >> BigInt(bit)) & 1n) === 0n) program.must('bounding set', 'prctl', [PR_CAPBSET_DROP, bit, 0, 0, 0]);
  }
  // Exactly these: what the supervisor's own groups may do is nothing of the container's.
  const groups = Uint32Array.from(user.additionalGids ?? []);
  program.must('groups', 'setgroups', [groups.length, program.bytes(new Uint8Array(groups.buffer))]);
  program.must('capabilities', 'prctl', [PR_SET_KEEPCAPS, 1, 0, 0, 0]);
  program.must('user', 'setresgid', [user.gid, user.gid, user.gid]);
  program.must('user', 'setresuid', [user.uid, user.uid, user.uid]);
  const effective = capabilityBits(capabilities.effective);
  const permitted = capabilityBits(capabilities.permitted);
  const inheritable = capabilityBits(capabilities.inheritable ?? []);
  if (noNewPrivileges) {
    setCapabilities(program, effective, permitted, inheritable);
    raiseAmbient(program, capabilityBits(capabilities.ambient ?? []), lastCapability);
    program.must('privileges', 'prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
    // Changing users makes a process traceable again where fs.suid_dumpable says so.
    program.must('protect', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0]);
    if (seccomp) setFilter(program, seccomp);
    return;
  }
  // To set a filter without no_new_privs takes CAP_SYS_ADMIN, which goes right after.
  if (seccomp) {
    const enough = permitted | (1n << CAP_SYS_ADMIN);
    setCapabilities(program, enough, enough, inheritable);
    program.must('protect', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0]);
    setFilter(program, seccomp);
    setCapabilities(program, effective, permitted, inheritable);
  } else {
    setCapabilities(program, effective, permitted, inheritable);
    program.must('protect', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0]);
  }
  raiseAmbient(program, capabilityBits(capabilities.ambient ?? []), lastCapability);
}

/** capset(2): a header, then effective, permitted and inheritable in two halves. */
function setCapabilities(program: ReportingProgram, effective: bigint, permitted: bigint, inheritable: bigint): void {
  const header = Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0);
  const low = (set: bigint) => Number(set & 0xffffffffn);
  const high = (set: bigint) => Number(set >> 32n);
  const sets = Uint32Array.of(
    ...[low(effective), low(permitted), low(inheritable)],
    ...[high(effective), high(permitted), high(inheritable)],
  );
  const address = program.bytes(new Uint8Array(header.buffer));
  program.must('capabilities', 'capset', [address, program.bytes(new Uint8Array(sets.buffer))]);
}

function raiseAmbient(program: ReportingProgram, ambient: bigint, lastCapability: number): void {
  program.must('capabilities', 'prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]);
  for (let bit = 0; bit <= lastCapability; bit++) {
    if ((ambient >> BigInt(bit)) & 1n) {
      program.must('capabilities', 'prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0]);
    }
  }
}

function setFilter(program: ReportingProgram, filter: Buffer): void {
  // struct sock_fprog: how many instructions of eight bytes, and where they are
  const fprog = program.words([filter.length / 8, program.bytes(filter)]);
  program.must('seccomp', 'seccomp', [SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, fprog]);
}
