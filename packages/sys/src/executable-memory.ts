import { dlopen, FFIType, ptr } from 'bun:ffi';

/** Puts machine code where it can be executed, for the life of the process, and returns its address. */
export function placeMachineCode(code: Uint8Array): number {
  const { symbols } = dlopen('libc.so.6', {
    mmap: {
      args: [FFIType.u64, FFIType.u64, FFIType.i32, FFIType.i32, FFIType.i32, FFIType.i64],
      returns: FFIType.u64,
    },
    memcpy: { args: [FFIType.u64, FFIType.ptr, FFIType.u64], returns: FFIType.u64 },
    mprotect: { args: [FFIType.u64, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
  });
  const readWrite = 3;
  const readExecute = 5;
  const privateAnonymous = 0x22;
  const page = symbols.mmap(0, 4096, readWrite, privateAnonymous, -1, 0);
  symbols.memcpy(page, ptr(code), code.length);
  symbols.mprotect(page, 4096, readExecute);
  return Number(page);
}
