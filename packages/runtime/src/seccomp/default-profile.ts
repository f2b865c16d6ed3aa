import type { SeccompArgument, SeccompOperator } from '@wharf/oci/runtime-spec';
import type { ArchitectureMap, ProfileRule, RuleFilter, SeccompProfile } from './profile.ts';

/**
 * Docker's default: everything is refused with EPERM but what is listed. Left out on purpose are the kernel's key
 * rings (not namespaced), io_uring and userfaultfd (a history of exploits), and all that administers the host.
 */

const ENOSYS = 38;
const EPERM = 1;
const AF_VSOCK = 40;
/** Every CLONE_NEW* flag but CLONE_NEWTIME, which clone(2) cannot take. */
const namespaceFlags = 0x7e020000;

const always = words(`
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
  clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old
  eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate
  fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr
  flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64
  futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat
  getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32
  getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid
  getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday
  getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit
  ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat
  listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64
  madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2
  mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
  pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease
  pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg
  recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall
  riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam
  sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
  semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid
  setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid
  setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area
  set_tid_address setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd
  signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink
  symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
  timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
  timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe
  utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev`);

const tracing = 'process_vm_readv process_vm_writev ptrace';

const administration = `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
  lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open
  quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`;

const byCapability: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: administration,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: `kcmp pidfd_getfd process_madvise ${tracing}`,
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

const byArchitecture: readonly [arches: readonly string[], names: string][] = [
  [['ppc64le'], 'sync_file_range2 swapcontext'],
  [['arm', 'arm64'], 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'],
  [['amd64', 'x32'], 'arch_prctl'],
  [['amd64', 'x32', 'x86'], 'modify_ldt'],
  [['s390', 's390x'], 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr'],
  [['riscv64'], 'riscv_flush_icache'],
];

const architectures: readonly [main: string, ...others: string[]][] = [
  ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
  ['SCMP_ARCH_RISCV64'],
];

const s390 = ['s390', 's390x'];
const unlessAdministrator: RuleFilter = { caps: ['CAP_SYS_ADMIN'] };

/** PER_LINUX, PER_LINUX32, UNAME26 with either, and the query. */
const personalities = [0, 8, 0x20000, 0x20008, 0xffffffff];

export const defaultProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  archMap: architectures.map(
    ([architecture, ...subArchitectures]): ArchitectureMap => ({
      architecture,
      subArchitectures,
    }),
  ),
  syscalls: [
    { names: always, action: 'SCMP_ACT_ALLOW' },
    // Before 4.8 ptrace could be used to get around seccomp itself.
    { names: words(tracing), action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
    allowWith('socket', 0, 'SCMP_CMP_NE', AF_VSOCK),
    ...personalities.map((value) => allowWith('personality', 0, 'SCMP_CMP_EQ', value)),
    ...byArchitecture.map(
      ([arches, names]): ProfileRule => ({
        names: words(names),
        action: 'SCMP_ACT_ALLOW',
        includes: { arches },
      }),
    ),
    ...Object.entries(byCapability).map(
      ([capability, names]): ProfileRule => ({
        names: words(names),
        action: 'SCMP_ACT_ALLOW',
        includes: { caps: [capability] },
      }),
    ),
    { ...allowClone(0), excludes: { ...unlessAdministrator, arches: s390 } },
    // clone(2) on s390 has its first two arguments the other way round.
    { ...allowClone(1), includes: { arches: s390 }, excludes: unlessAdministrator },
    // Flags of clone3 lie in memory, out of a filter's sight; ENOSYS makes libc fall back to clone.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, excludes: unlessAdministrator },
  ],
};

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function allowWith(name: string, index: number, op: SeccompOperator, value: number): ProfileRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [{ index, value, op }] };
}

function allowClone(flagsIndex: number): ProfileRule {
  const noNamespaces: SeccompArgument = {
    index: flagsIndex,
    value: namespaceFlags,
    valueTwo: 0,
    op: 'SCMP_CMP_MASKED_EQ',
  };
  return { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [noNamespaces] };
}
