/**
 * A machine that makes system calls, in a hundred bytes of code: the program is a table of steps. It makes a step's
 * call, stores the result, and goes on with the step that the row names for a positive result, zero or an error. It
 * has no stack and no state but its place in the table, so that a clone that shares its memory simply goes on, too.
 */
export interface Machine {
  /** e_machine of the ELF header. */
  readonly elfNumber: number;
  /** Segments begin at multiples of this, the largest page of the architecture. */
  readonly pageSize: number;
  /** Code that begins with the step at this address, below 2^32. */
  assemble(firstStep: number): Buffer;
}

/** A step's row: 64-bit words, by their numbers. */
export const row = { number: 0, arguments: 1, store: 7, positive: 8, zero: 9, error: 10, words: 11 } as const;

/** In the place of a system call's number: the result is `(*a & b) ^ c`, zero where memory holds the value. */
export const compareNumber = -1;

const x64: Machine = {
  elfNumber: 62,
  pageSize: 4096,
  assemble(firstStep) {
    const code = Buffer.from(
      [
        'bb00000000', // mov ebx, first step
        '488b03', // step: mov rax, [rbx]
        '488b7b08', // mov rdi, [rbx + 8]
        '488b7310', // mov rsi, [rbx + 16]
        '488b5318', // mov rdx, [rbx + 24]
        '4c8b5320', // mov r10, [rbx + 32]
        '4c8b4328', // mov r8, [rbx + 40]
        '4c8b4b30', // mov r9, [rbx + 48]
        '4885c0', // test rax, rax
        '7825', // js compare
        '0f05', // syscall
        '488b4b38', // stored: mov rcx, [rbx + 56]
        '488901', // mov [rcx], rax
        '488b4b40', // mov rcx, [rbx + 64]
        '4885c0', // test rax, rax
        '480f444b48', // cmovz rcx, [rbx + 72]
        '483d01f0ffff', // cmp rax, -4095
        '480f434b50', // cmovae rcx, [rbx + 80]
        '4889cb', // mov rbx, rcx
        'ebbb', // jmp step
        '488b07', // compare: mov rax, [rdi]
        '4821f0', // and rax, rsi
        '4831d0', // xor rax, rdx
        'ebd2', // jmp stored
      ].join(''),
      'hex',
    );
    code.writeUInt32LE(firstStep, 1);
    return code;
  },
};

const arm64: Machine = {
  elfNumber: 183,
  pageSize: 65536,
  assemble(firstStep) {
    const words = [
      0xd2800013 + (firstStep & 0xffff) * 32, // mov x19, first step
      0xf2a00013 + (firstStep >>> 16) * 32, // movk x19, its upper half
      0xf9400268, // step: ldr x8, [x19]
      0xa9408660, // ldp x0, x1, [x19, 8]
      0xa9418e62, // ldp x2, x3, [x19, 24]
      0xa9429664, // ldp x4, x5, [x19, 40]
      0xb7f80188, // tbnz x8, 63, compare
      0xd4000001, // svc 0
      0xf9401e69, // stored: ldr x9, [x19, 56]
      0xf9000120, // str x0, [x9]
      0xa9442e6a, // ldp x10, x11, [x19, 64]
      0xf9402a6c, // ldr x12, [x19, 80]
      0xf100001f, // cmp x0, 0
      0x9a8a016a, // csel x10, x11, x10, eq
      0xb13ffc1f, // cmn x0, 4095: carries where x0 is an error
      0x9a8a218a, // csel x10, x12, x10, hs
      0xaa0a03f3, // mov x19, x10
      0x17fffff1, // b step
      0xf9400009, // compare: ldr x9, [x0]
      0x8a010129, // and x9, x9, x1
      0xca020120, // eor x0, x9, x2
      0x17fffff3, // b stored
    ];
    const code = Buffer.alloc(words.length * 4);
    for (const [index, word] of words.entries()) code.writeUInt32LE(word, index * 4);
    return code;
  },
};

const machines: Readonly<Record<string, Machine>> = { x64, arm64 };

/** The machine of an architecture by Node's name of it; undefined where there is none. */
export function machineOf(architecture: string): Machine | undefined {
  return Object.hasOwn(machines, architecture) ? machines[architecture] : undefined;
}
