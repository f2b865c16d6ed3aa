import { dlopen, FFIType, ptr } from 'bun:ffi';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { check } from './errno.ts';
import { cString, syscall } from './syscall.ts';

/** One comparison of a system call's argument; numbers as libseccomp has them. */
export interface FilterComparison {
  readonly argument: number;
  /** 1 NE, 2 LT, 3 LE, 4 EQ, 5 GE, 6 GT, 7 MASKED_EQ */
  readonly operator: number;
  readonly a: bigint;
  readonly b: bigint;
}

export interface FilterRule {
  readonly syscall: string;
  readonly action: number;
  /** All must hold. */
  readonly comparisons: readonly FilterComparison[];
}

export interface Filter {
  readonly defaultAction: number;
  /** Architectures by libseccomp's names (`x86_64`, `x86`, `x32`, `aarch64`...); the native one is always there. */
  readonly architectures: readonly string[];
  readonly rules: readonly FilterRule[];
}

const { ptr: pointer, u32, i32, u64, cstring } = FFIType;

function openLibrary() {
  return dlopen('libseccomp.so.2', {
    seccomp_init: { args: [u32], returns: u64 },
    seccomp_release: { args: [u64], returns: FFIType.void },
    seccomp_arch_resolve_name: { args: [cstring], returns: u32 },
    seccomp_arch_add: { args: [u64, u32], returns: i32 },
    seccomp_syscall_resolve_name: { args: [cstring], returns: i32 },
    seccomp_attr_set: { args: [u64, u32, u32], returns: i32 },
    seccomp_rule_add_array: { args: [u64, u32, i32, u32, pointer], returns: i32 },
    seccomp_export_bpf: { args: [u64, i32], returns: i32 },
  }).symbols;
}

type Library = ReturnType<typeof openLibrary>;

let library: Library | undefined;
let missing = false;

/** False where libseccomp is not installed; the OCI runtime then compiles the profile itself. */
export function hasLibseccomp(): boolean {
  return load() !== undefined;
}

function load(): Library | undefined {
  if (missing) return undefined;
  try {
    library ??= openLibrary();
  } catch {
    missing = true;
  }
  return library;
}

const EEXIST = 17;
/** __NR_SCMP_ERROR: libseccomp knows no system call of this name, on any architecture. */
const unknownSyscall = -1;
const SCMP_FLTATR_CTL_NNP = 3;

/** Compiles a filter to classic BPF, as seccomp(2) takes it: struct sock_filter, 8 bytes each. */
export function compileFilter(filter: Filter): Buffer {
  const symbols = load();
  if (!symbols) throw new Error('Cannot compile a seccomp filter: libseccomp.so.2 is not installed');
  const context = symbols.seccomp_init(filter.defaultAction);
  if (!context) throw new Error('Cannot compile a seccomp filter: seccomp_init failed');
  try {
    for (const name of filter.architectures) addArchitecture(symbols, context, name);
    check(symbols.seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0), 'set a filter attribute');
    for (const rule of filter.rules) addRule(symbols, context, rule);
    return exportBpf(symbols, context);
  } finally {
    symbols.seccomp_release(context);
  }
}

/** The number of a system call on this machine's own architecture; negative where it has none. */
export function resolveSyscall(name: string): number {
  return load()?.seccomp_syscall_resolve_name(cString(name)) ?? unknownSyscall;
}

function addArchitecture(symbols: Library, context: bigint, name: string): void {
  const token = symbols.seccomp_arch_resolve_name(cString(name));
  const result = symbols.seccomp_arch_add(context, token);
  if (result !== -EEXIST) check(result, `add architecture ${name} to a filter`);
}

function addRule(symbols: Library, context: bigint, { syscall: name, action, comparisons }: FilterRule): void {
  const number = symbols.seccomp_syscall_resolve_name(cString(name));
  if (number === unknownSyscall) return;
  const array = packComparisons(comparisons);
  check(
    symbols.seccomp_rule_add_array(context, action, number, comparisons.length, array && ptr(array)),
    `add a rule for ${name} to a filter`,
  );
}

/** struct scmp_arg_cmp: unsigned int arg; enum op; uint64 datum_a; uint64 datum_b */
function packComparisons(comparisons: readonly FilterComparison[]): Uint8Array | null {
  if (comparisons.length === 0) return null;
  const view = new DataView(new ArrayBuffer(24 * comparisons.length));
  for (const [i, { argument, operator, a, b }] of comparisons.entries()) {
    view.setUint32(24 * i, argument, true);
    view.setUint32(24 * i + 4, operator, true);
    view.setBigUint64(24 * i + 8, a, true);
    view.setBigUint64(24 * i + 16, b, true);
  }
  return new Uint8Array(view.buffer);
}

function exportBpf(symbols: Library, context: bigint): Buffer {
  const MFD_CLOEXEC = 1;
  const fd = check(syscall('memfd_create', cString('seccomp'), MFD_CLOEXEC), 'create a memfd');
  try {
    check(symbols.seccomp_export_bpf(context, fd), 'export a filter');
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(fd);
  }
}
