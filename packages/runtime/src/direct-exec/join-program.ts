import type { OciProcess } from '@wharf/oci/runtime-spec';
import type { Label } from '@wharf/sys/program/syscall-program';
import { type RlimitName, rlimitNumbers } from '@wharf/sys/rlimit';
import { becomeUser } from './become-user.ts';
import { execute } from './execute.ts';
import { ReportingProgram } from './reporting-program.ts';

/** What a program that joins a container is made of. */
export interface JoinPlan {
  readonly process: OciProcess;
  /** `tasks` of the container's cgroup in each v1 hierarchy. */
  readonly taskFiles: readonly string[];
  /** The container has a cgroup in the v2 tree: descriptor `joinDescriptors.cgroup`. */
  readonly unified: boolean;
  /** It has a user namespace of its own: users and capabilities are those of that. */
  readonly remapped: boolean;
  /** A compiled filter. */
  readonly seccomp: Buffer | undefined;
  /** The kernel's cap_last_cap. */
  readonly lastCapability: number;
  /** Undefined leaves what is inherited. */
  readonly oomScoreAdj: number | undefined;
}

/** Descriptors that the program is started with, next to stdio. */
export const joinDescriptors = { report: 3, container: 4, cgroup: 5 } as const;

const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const CLONE_PARENT = 0x8000;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWCGROUP = 0x2000000;
const CLONE_NEWUTS = 0x4000000;
const CLONE_NEWIPC = 0x8000000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWPID = 0x20000000;
const CLONE_NEWNET = 0x40000000;
const CLONE_INTO_CGROUP = 0x200000000;
const SIGCHLD = 17;
const AT_FDCWD = -100;
const O_WRONLY = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_DUMPABLE = 4;
const TIOCSCTTY = 0x540e;
const longestPath = 4096;
const slash = 0x2f;

const everyNamespace = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET;
/** The child is the supervisor's; its parent waits until it executes, so that what it reports comes after. */
export const forkFlags = CLONE_PARENT | CLONE_VM | CLONE_VFORK | SIGCHLD;

/**
 * The program that joins a container and becomes a process of it. What the container can see, by its pid namespace,
 * is cloned last: it has the user, the capabilities and the seccomp filter of the process to be, no descriptor but
 * stdio and the report, and cannot be traced before it executes (CVE-2016-9962).
 */
export function createJoinProgram(plan: JoinPlan): { elf: Buffer; names: readonly string[] } {
  const program = new ReportingProgram(joinDescriptors.report);
  const { process } = plan;
  program.must('protect', 'prctl', [PR_SET_DUMPABLE, 0]);
  setHostAttributes(program, plan);
  joinCgroups(program, plan);
  const namespaces = plan.remapped ? everyNamespace + CLONE_NEWUSER : everyNamespace;
  program.must('namespaces', 'setns', [joinDescriptors.container, namespaces]);
  // Nothing of the host is open any more when a path of the container's is followed: CVE-2024-21626.
  program.must('descriptors', 'close_range', [joinDescriptors.report + 1, 0xffffffff, 0]);
  program.must('descriptors', 'fcntl', [joinDescriptors.report, F_SETFD, FD_CLOEXEC]);
  setLimits(program, process);
  const directory = program.text(process.cwd);
  const entered = program.space(8);
  // As root here and as the user later, so that either may have the right to it: as runc does it.
  program.call('chdir', [directory], {}, entered);
  becomeUser(program, plan);
  program.fork(forkFlags);
  program.must('session', 'setsid', []);
  if (process.terminal) program.must('terminal', 'ioctl', [0, TIOCSCTTY, 0]);
  enterDirectory(program, directory, entered);
  execute(program, process);
  return program.finish();
}

/** What the host's /proc is needed for. */
function setHostAttributes(program: ReportingProgram, { process, oomScoreAdj }: JoinPlan): void {
  if (oomScoreAdj !== undefined) {
    const done = program.label();
    writeFile(program, '/proc/self/oom_score_adj', String(oomScoreAdj), done);
    program.place(done);
  }
  if (process.apparmorProfile === undefined) return;
  const text = `exec ${process.apparmorProfile}`;
  const [elsewhere, done] = [program.label(), program.label()];
  writeFile(program, '/proc/self/attr/apparmor/exec', text, elsewhere);
  program.goto(done);
  program.place(elsewhere);
  writeFile(program, '/proc/self/attr/exec', text, program.failed('apparmor'));
  program.place(done);
}

/** Leaves the descriptor open: it is closed with all others. */
function writeFile(program: ReportingProgram, path: string, text: string, refused: Label): void {
  program.call('openat', [AT_FDCWD, program.text(path), O_WRONLY, 0], { error: refused }, program.argumentOf(1, 0));
  program.call('write', [-1, program.text(text), text.length], { error: refused });
}

/**
 * A process that moves itself alone, by `tasks`, is spared the lock of all thread groups, and the wait for a grace
 * period of RCU that comes with it: kernel/cgroup/cgroup.c, cgroup_procs_write_start. On v2 nothing is moved at all:
 * a clone is born in the cgroup.
 */
function joinCgroups(program: ReportingProgram, { taskFiles, unified }: JoinPlan): void {
  for (const path of taskFiles) writeFile(program, path, '0', program.failed('cgroup'));
  if (!unified) return;
  const inside = program.label();
  // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, its size, cgroup
  const flags = CLONE_INTO_CGROUP + (CLONE_PARENT | CLONE_VM);
  const args = program.words([flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, joinDescriptors.cgroup]);
  program.must('cgroup', 'clone3', [args, 88], { zero: inside });
  program.call('exit_group', [0]);
  program.place(inside);
}

function setLimits(program: ReportingProgram, { rlimits = [], user }: OciProcess): void {
  for (const { type, soft, hard } of rlimits) {
    const number = rlimitNumbers[type.replace('RLIMIT_', '').toLowerCase() as RlimitName];
    program.must('limits', 'prlimit64', [0, number, program.words([soft, hard]), 0]);
  }
  program.call('umask', [user.umask ?? 0o022]);
}

function enterDirectory(program: ReportingProgram, directory: number, entered: number): void {
  const done = program.label();
  program.compare(entered, 0xffffffff, 0, { zero: done });
  program.must('directory', 'chdir', [directory]);
  program.place(done);
  // A directory that is not below the root is called (unreachable)/...: CVE-2024-21626 again.
  const path = program.space(longestPath);
  program.must('directory', 'getcwd', [path, longestPath]);
  program.compare(path, 0xff, slash, { other: program.failed('directory') });
}
