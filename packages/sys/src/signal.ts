import { dlopen, FFIType } from 'bun:ffi';
import { check } from './errno.ts';
import { placeMachineCode } from './executable-memory.ts';
import { syscall } from './syscall.ts';

/**
 * A descriptor (an eventfd: non-blocking, close-on-exec) that becomes readable when the signal arrives, for an event
 * loop that is not the runtime's. signalfd(2) would need the signal blocked in threads that the runtime has started
 * before us, so a handler writes instead: the self-pipe trick, in a few bytes of machine code as no script can run there.
 */
export function openSignalDescriptor(signal: number): number {
  const EFD_NONBLOCK = 0o4000;
  const EFD_CLOEXEC = 0o2000000;
  const fd = check(syscall('eventfd2', 0, EFD_NONBLOCK | EFD_CLOEXEC), 'make an eventfd');
  const handler = placeMachineCode(process.arch === 'arm64' ? handlerArm64(fd) : handlerX64(fd));
  const { symbols } = dlopen('libc.so.6', { signal: { args: [FFIType.i32, FFIType.u64], returns: FFIType.u64 } });
  symbols.signal(signal, handler);
  return fd;
}

/** Makes the descriptor unreadable again until the next signal. */
export function clearSignalDescriptor(fd: number): void {
  syscall('read', fd, new Uint8Array(8), 8);
}

/** write(fd, &one, 8). The kernel restores every register when the handler returns. */
function handlerX64(fd: number): Uint8Array {
  const code = Buffer.from(
    [
      'b801000000', // mov eax, SYS_write
      'bf00000000', // mov edi, fd
      '488d3508000000', // lea rsi, [rip+8]: behind the return
      'ba08000000', // mov edx, 8
      '0f05', // syscall
      'c3', // ret
      '0100000000000000',
    ].join(''),
    'hex',
  );
  code.writeInt32LE(fd, 6);
  return code;
}

function handlerArm64(fd: number): Uint8Array {
  const words = [
    0xd2800808, // mov x8, SYS_write
    0x52800000 | (fd << 5), // mov w0, fd
    0x10000081, // adr x1, 16 bytes on: behind the return
    0xd2800102, // mov x2, 8
    0xd4000001, // svc 0
    0xd65f03c0, // ret
    1,
    0,
  ];
  const code = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => {
    code.writeUInt32LE(word >>> 0, index * 4);
  });
  return code;
}
