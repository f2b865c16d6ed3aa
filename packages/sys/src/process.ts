import { dlopen, FFIType } from 'bun:ffi';
import { check, SystemError } from './errno.ts';
import { addressOf, cString, syscall } from './syscall.ts';

export interface SpawnRequest {
  /** Absolute path and arguments. */
  readonly command: readonly string[];
  /** What the program is called in the place of its path. */
  readonly name?: string;
  /** The child's descriptors 0, 1, 2 and so on; all others are closed as they are close-on-exec. */
  readonly stdio: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly newSession?: boolean;
}

interface Libc {
  posix_spawn_file_actions_init(actions: Uint8Array): number;
  posix_spawn_file_actions_adddup2(actions: Uint8Array, fd: number, newFd: number): number;
  posix_spawn_file_actions_destroy(actions: Uint8Array): number;
  posix_spawnattr_init(attributes: Uint8Array): number;
  posix_spawnattr_setflags(attributes: Uint8Array, flags: number): number;
  posix_spawnattr_setsigdefault(attributes: Uint8Array, signals: Uint8Array): number;
  posix_spawnattr_setsigmask(attributes: Uint8Array, signals: Uint8Array): number;
  posix_spawn(
    pid: Int32Array,
    path: Uint8Array,
    actions: Uint8Array,
    attributes: Uint8Array,
    argv: BigUint64Array,
    environment: BigUint64Array,
  ): number;
}

const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const POSIX_SPAWN_SETSID = 0x80;

let libc: Libc | undefined;

function openLibc(): Libc {
  const { ptr, i32, i16 } = FFIType;
  return dlopen('libc.so.6', {
    posix_spawn_file_actions_init: { args: [ptr], returns: i32 },
    posix_spawn_file_actions_adddup2: { args: [ptr, i32, i32], returns: i32 },
    posix_spawn_file_actions_destroy: { args: [ptr], returns: i32 },
    posix_spawnattr_init: { args: [ptr], returns: i32 },
    posix_spawnattr_setflags: { args: [ptr, i16], returns: i32 },
    posix_spawnattr_setsigdefault: { args: [ptr, ptr], returns: i32 },
    posix_spawnattr_setsigmask: { args: [ptr, ptr], returns: i32 },
    posix_spawn: { args: [ptr, ptr, ptr, ptr, ptr, ptr], returns: i32 },
  }).symbols as unknown as Libc;
}

/**
 * Starts a program without forking this process' memory, its signals at their defaults, and returns its pid. The
 * runtime knows nothing of it: the caller waits for it by `reapChild`. Throws SystemError (`ENOENT`, `EACCES`).
 */
export function spawnProcess({ command, name, stdio, environment, newSession }: SpawnRequest): number {
  libc ??= openLibc();
  const path = command[0]!;
  // Both structures are smaller than this on every glibc; it is the caller who has to provide them.
  const actions = new Uint8Array(128);
  const attributes = new Uint8Array(512);
  const everySignal = new Uint8Array(128).fill(255);
  libc.posix_spawn_file_actions_init(actions);
  libc.posix_spawnattr_init(attributes);
  libc.posix_spawnattr_setsigdefault(attributes, everySignal);
  libc.posix_spawnattr_setsigmask(attributes, new Uint8Array(128));
  const flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (newSession ? POSIX_SPAWN_SETSID : 0);
  libc.posix_spawnattr_setflags(attributes, flags);
  const sources = outOfTheWay(stdio);
  sources.forEach((fd, number) => {
    libc!.posix_spawn_file_actions_adddup2(actions, fd, number);
  });
  const pid = new Int32Array(1);
  const argv = new StringVector([name ?? path, ...command.slice(1)]);
  const envp = new StringVector(Object.entries(environment ?? {}).map(([key, value]) => `${key}=${value}`));
  const errno = libc.posix_spawn(pid, cString(path), actions, attributes, argv.pointers, envp.pointers);
  libc.posix_spawn_file_actions_destroy(actions);
  for (const [number, fd] of sources.entries()) if (fd !== stdio[number]) syscall('close', fd);
  if (errno !== 0) throw new SystemError(`execute ${path}`, errno);
  return pid[0]!;
}

/** A source that the child would have overwritten before it comes to be copied is copied now. */
function outOfTheWay(stdio: readonly number[]): number[] {
  const F_DUPFD_CLOEXEC = 1030;
  return stdio.map((fd, number) =>
    fd < number ? check(syscall('fcntl', fd, F_DUPFD_CLOEXEC, stdio.length), 'duplicate a descriptor') : fd,
  );
}

/** Replaces this process' program: same pid, same children, and the descriptors that are not close-on-exec. Returns only by throwing. */
export function replaceProgram(command: readonly string[], environment: Readonly<Record<string, string>>): never {
  const argv = new StringVector(command);
  const envp = new StringVector(Object.entries(environment).map(([name, value]) => `${name}=${value}`));
  const result = syscall(
    'execve',
    cString(command[0]!),
    new Uint8Array(argv.pointers.buffer),
    new Uint8Array(envp.pointers.buffer),
  );
  throw new SystemError(`execute ${command[0]}`, -result);
}

/** A NULL-terminated array of C strings; it must be kept while the kernel reads it. */
class StringVector {
  readonly strings: readonly Uint8Array[];
  readonly pointers: BigUint64Array<ArrayBuffer>;

  constructor(texts: readonly string[]) {
    this.strings = texts.map((text) => cString(text));
    this.pointers = new BigUint64Array(texts.length + 1);
    this.strings.forEach((bytes, index) => {
      this.pointers[index] = addressOf(bytes);
    });
  }
}

/**
 * Reaps some child that has exited: its pid, and its code or 128 + the signal's number. Only for a process none of
 * whose children is the runtime's, which waits for its own. Undefined when no child has exited.
 */
export function reapChild(): { pid: number; exitCode: number } | undefined {
  const WNOHANG = 1;
  const ECHILD = 10;
  const status = new Int32Array(1);
  const pid = syscall('wait4', -1, status, WNOHANG);
  if (pid === 0 || pid === -ECHILD) return undefined;
  check(pid, 'wait for a child');
  const signal = status[0]! & 0x7f;
  return { pid, exitCode: signal === 0 ? (status[0]! >> 8) & 0xff : 128 + signal };
}

/** kill(2), for a child that has not been reaped: its pid is not reused. False if it is gone. */
export function signalChild(pid: number, signal: number): boolean {
  const ESRCH = 3;
  const result = syscall('kill', pid, signal);
  if (result === -ESRCH) return false;
  check(result, `send signal ${signal} to process ${pid}`);
  return true;
}

/** Orphans below this process become its children instead of pid 1's. */
export function becomeSubreaper(): void {
  const PR_SET_CHILD_SUBREAPER = 36;
  check(syscall('prctl', PR_SET_CHILD_SUBREAPER, 1), 'become a subreaper');
}
