import { CFunction, FFIType, ptr } from 'bun:ffi';
import { placeMachineCode } from './executable-memory.ts';

/**
 * The one door to the kernel: a few bytes of machine code that make a raw system call and return -errno,
 * so that no other FFI call or garbage collection can overwrite errno between the call and its reading.
 */

// mov rax,rdi; mov rdi,rsi; mov rsi,rdx; mov rdx,rcx; mov r10,r8; mov r8,r9; mov r9,[rsp+8]; syscall; ret
const trampolineX64 = [
  0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d, 0x89, 0xc8, 0x4c,
  0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05, 0xc3,
];
// mov x8,x0; mov x0..x5,x1..x6; svc 0; ret (big-endian words of little-endian code)
const trampolineArm64 = [
  0xe80300aa, 0xe00301aa, 0xe10302aa, 0xe20303aa, 0xe30304aa, 0xe40305aa, 0xe50306aa, 0x010000d4, 0xc0035fd6,
].flatMap((word) => [word >>> 24, (word >> 16) & 255, (word >> 8) & 255, word & 255]);

const architecture = process.arch === 'arm64' ? 1 : 0;

/** System call numbers, x86-64 and arm64 (the generic table). */
const numbers = {
  read: [0, 63],
  write: [1, 64],
  close: [3, 57],
  ioctl: [16, 29],
  dup3: [292, 24],
  clock_gettime: [228, 113],
  waitid: [247, 95],
  writev: [20, 66],
  shutdown: [48, 210],
  socket: [41, 198],
  connect: [42, 203],
  accept4: [288, 242],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  bind: [49, 200],
  listen: [50, 201],
  getsockname: [51, 204],
  setsockopt: [54, 208],
  getsockopt: [55, 209],
  execve: [59, 221],
  wait4: [61, 260],
  kill: [62, 129],
  fcntl: [72, 25],
  getdents64: [217, 61],
  mknodat: [259, 33],
  mkdirat: [258, 34],
  unlinkat: [263, 35],
  symlinkat: [266, 36],
  linkat: [265, 37],
  renameat2: [316, 276],
  fchmodat: [268, 53],
  fchownat: [260, 54],
  utimensat: [280, 88],
  openat: [257, 56],
  openat2: [437, 437],
  readlinkat: [267, 78],
  statx: [332, 291],
  lsetxattr: [189, 6],
  lgetxattr: [192, 9],
  llistxattr: [195, 12],
  lremovexattr: [198, 15],
  fsetxattr: [190, 7],
  sync_file_range: [277, 84],
  fsync: [74, 82],
  ftruncate: [77, 46],
  fallocate: [285, 47],
  chroot: [161, 51],
  fchdir: [81, 50],
  pivot_root: [155, 41],
  umount2: [166, 39],
  mount: [165, 40],
  unshare: [272, 97],
  setns: [308, 268],
  prctl: [157, 167],
  prlimit64: [302, 261],
  setxattr: [188, 5],
  getppid: [110, 173],
  setsid: [112, 157],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_pwait: [281, 22],
  eventfd2: [290, 19],
  pipe2: [293, 59],
  splice: [275, 76],
  sendfile: [40, 71],
  ppoll: [271, 73],
  tee: [276, 77],
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
  inotify_rm_watch: [255, 28],
  pidfd_open: [434, 434],
  pidfd_send_signal: [424, 424],
  pidfd_getfd: [438, 438],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  mount_setattr: [442, 442],
  memfd_create: [319, 279],
  copy_file_range: [326, 285],
  getrandom: [318, 278],
  flock: [73, 32],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syncfs: [306, 267],
  statfs: [137, 43],
  fstatfs: [138, 44],
  flistxattr: [196, 13],
  fgetxattr: [193, 10],
  pread64: [17, 67],
  pwrite64: [18, 68],
  fchmod: [91, 52],
  fchown: [93, 55],
  clone: [56, 220],
  clone3: [435, 435],
  exit_group: [231, 94],
  close_range: [436, 436],
  chdir: [80, 49],
  getcwd: [79, 17],
  faccessat: [269, 48],
  umask: [95, 166],
  setgroups: [116, 159],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setfsuid: [122, 151],
  setfsgid: [123, 152],
  capget: [125, 90],
  capset: [126, 91],
  seccomp: [317, 277],
} as const satisfies Record<string, readonly [x64: number, arm64: number]>;

export type SyscallName = keyof typeof numbers;

/** The kernel's number of a system call, for code that makes it elsewhere. */
export function syscallNumber(name: SyscallName): number {
  return numbers[name][architecture];
}

export type SyscallArgument = number | Uint8Array | Int32Array | BigUint64Array | null;

const enter = prepareTrampoline();

type RawSyscall = (...registers: number[]) => number | bigint;

function prepareTrampoline(): RawSyscall {
  const code = placeMachineCode(Uint8Array.from(process.arch === 'arm64' ? trampolineArm64 : trampolineX64));
  const register = FFIType.i64_fast;
  return CFunction({
    ptr: code as unknown as Parameters<typeof CFunction>[0]['ptr'],
    args: [register, register, register, register, register, register, register],
    returns: register,
  } as Parameters<typeof CFunction>[0]) as unknown as RawSyscall;
}

/** Makes a system call. Returns its result, or -errno; buffers are passed by address and must outlive only the call. */
export function syscall(
  name: SyscallName,
  a: SyscallArgument = 0,
  b: SyscallArgument = 0,
  c: SyscallArgument = 0,
  d: SyscallArgument = 0,
  e: SyscallArgument = 0,
  f: SyscallArgument = 0,
): number {
  const number = numbers[name][architecture];
  return Number(enter(number, register(a), register(b), register(c), register(d), register(e), register(f)));
}

function register(argument: SyscallArgument): number {
  if (typeof argument === 'number') return argument;
  if (argument === null || argument.byteLength === 0) return 0;
  return ptr(argument);
}

/** The address of a buffer, for structures that hold pointers. The buffer must be kept alive by the caller. */
export function addressOf(buffer: NodeJS.TypedArray): bigint {
  return BigInt(ptr(buffer));
}

/** A path or name as the kernel wants it: bytes and a NUL. Throws on an embedded NUL. */
export function cString(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  if (bytes.includes(0))
    throw new TypeError(`Cannot pass text to the kernel: it holds a NUL byte: ${JSON.stringify(String(text))}`);
  const result = new Uint8Array(bytes.length + 1);
  result.set(bytes);
  return result;
}
