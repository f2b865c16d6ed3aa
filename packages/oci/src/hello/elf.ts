/** Machine code for one architecture. */
interface Assembler {
  /** e_machine of the ELF header. */
  readonly machine: number;
  /** write(1, text, length); exit(0), the text following at once. */
  assemble(textLength: number): Buffer;
}

const headerLength = 64 + 56;
const loadAddress = 0x400000;

const x64: Assembler = {
  machine: 62,
  assemble(textLength) {
    const code = Buffer.from([
      ...[0xb8, 1, 0, 0, 0], // mov eax, 1 (write)
      ...[0xbf, 1, 0, 0, 0], // mov edi, 1
      ...[0x48, 0x8d, 0x35, 0, 0, 0, 0], // lea rsi, [rip + text]
      ...[0xba, 0, 0, 0, 0], // mov edx, length
      ...[0x0f, 0x05], // syscall
      ...[0xb8, 60, 0, 0, 0], // mov eax, 60 (exit)
      ...[0xbf, 0, 0, 0, 0], // mov edi, 0
      ...[0x0f, 0x05], // syscall
      ...[0x0f, 0x0b], // ud2
    ]);
    code.writeInt32LE(code.length - 17, 13);
    code.writeUInt32LE(textLength, 18);
    return code;
  },
};

const arm64: Assembler = {
  machine: 183,
  assemble(textLength) {
    const movz = (register: number, value: number) => 0xd2800000 + value * 32 + register;
    const adr = (register: number, offset: number) =>
      0x10000000 + (offset & 3) * 2 ** 29 + (offset >> 2) * 32 + register;
    const supervisorCall = 0xd4000001;
    const words = [
      movz(0, 1),
      adr(1, 32 - 4),
      movz(2, textLength),
      movz(8, 64), // write
      supervisorCall,
      movz(0, 0),
      movz(8, 93), // exit
      supervisorCall,
    ];
    const code = Buffer.alloc(words.length * 4);
    for (const [index, word] of words.entries()) code.writeUInt32LE(word, index * 4);
    return code;
  },
};

const assemblers = { amd64: x64, arm64 } as const;

/** GOARCH's names of the architectures that have a program. */
export type ElfArchitecture = keyof typeof assemblers;

export function isElfArchitecture(name: string): name is ElfArchitecture {
  return Object.hasOwn(assemblers, name);
}

/** A static ELF program that writes `text` to stdout and exits with 0. elf(5). */
export function greetingProgram(architecture: ElfArchitecture, text: string): Buffer {
  const { machine, assemble } = assemblers[architecture];
  const message = Buffer.from(text);
  const content = Buffer.concat([assemble(message.length), message]);
  const size = headerLength + content.length;
  const header = Buffer.alloc(headerLength);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64 bit, little-endian, version
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(loadAddress + headerLength), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56); // one program header
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(BigInt(loadAddress), 80);
  header.writeBigUInt64LE(BigInt(loadAddress), 88);
  header.writeBigUInt64LE(BigInt(size), 96);
  header.writeBigUInt64LE(BigInt(size), 104);
  header.writeBigUInt64LE(0x10000n, 112); // alignment: the largest page of arm64
  return Buffer.concat([header, content]);
}
