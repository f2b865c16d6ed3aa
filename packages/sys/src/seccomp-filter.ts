import { type SyscallName, syscallNumber } from './syscall.ts';

/** What a filter says of a call: SECCOMP_RET_ALLOW and the like, linux/seccomp.h. */
export const seccompAllow = 0x7fff0000;

const AUDIT_ARCH_X86_64 = 0xc000003e;
const AUDIT_ARCH_AARCH64 = 0xc00000b7;

/** struct seccomp_data: number, architecture, instruction pointer, six arguments. */
const dataSize = 64;
const argumentsOffset = 16;
const instructionSize = 8;

/**
 * What a compiled seccomp filter answers to a system call of this architecture, by running its classic BPF program.
 * Undefined where the program does what no filter of libseccomp's does.
 */
export function askFilter(filter: Buffer, name: SyscallName, args: readonly number[]): number | undefined {
  const data = Buffer.alloc(dataSize);
  data.writeUInt32LE(syscallNumber(name), 0);
  data.writeUInt32LE(process.arch === 'arm64' ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64, 4);
  args.forEach((value, index) => {
    data.writeInt32LE(value | 0, argumentsOffset + index * 8);
    data.writeInt32LE(Math.floor(value / 2 ** 32) | 0, argumentsOffset + index * 8 + 4);
  });
  return runFilter(filter, data);
}

// Instruction classes, sizes, modes and operations of linux/bpf_common.h, as they are combined here.
const LD_W_ABS = 0x20;
const LD_IMM = 0x00;
const LD_MEM = 0x60;
const ST = 0x02;
const ALU_AND_K = 0x54;
const ALU_OR_K = 0x44;
const ALU_RSH_K = 0x74;
const JMP_JA = 0x05;
const JMP_JEQ_K = 0x15;
const JMP_JGT_K = 0x25;
const JMP_JGE_K = 0x35;
const JMP_JSET_K = 0x45;
const RET_K = 0x06;
const RET_A = 0x16;

/** struct sock_filter: code, jump if true, jump if false, k. Jumps lead forward only, so it ends. */
function runFilter(filter: Buffer, data: Buffer): number | undefined {
  const memory = new Uint32Array(16);
  let a = 0;
  for (let at = 0; at + instructionSize <= filter.length; at += instructionSize) {
    const k = filter.readUInt32LE(at + 4);
    const jump = (holds: boolean) => {
      at += filter[at + (holds ? 2 : 3)]! * instructionSize;
    };
    switch (filter.readUInt16LE(at)) {
      case LD_W_ABS:
        if (k + 4 > dataSize) return undefined;
        a = data.readUInt32LE(k);
        break;
      case LD_IMM:
        a = k;
        break;
      case LD_MEM:
        a = memory[k & 15]!;
        break;
      case ST:
        memory[k & 15] = a;
        break;
      case ALU_AND_K:
        a = (a & k) >>> 0;
        break;
      case ALU_OR_K:
        a = (a | k) >>> 0;
        break;
      case ALU_RSH_K:
        a >>>= k;
        break;
      case JMP_JA:
        at += k * instructionSize;
        break;
      case JMP_JEQ_K:
        jump(a === k);
        break;
      case JMP_JGT_K:
        jump(a > k);
        break;
      case JMP_JGE_K:
        jump(a >= k);
        break;
      case JMP_JSET_K:
        jump((a & k) !== 0);
        break;
      case RET_K:
        return k;
      case RET_A:
        return a;
      default:
        return undefined;
    }
  }
  return undefined;
}
