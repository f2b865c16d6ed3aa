import { type SyscallName, syscallNumber } from '../syscall.ts';
import { compareNumber, type Machine, machineOf, row } from './machine.ts';

/** Where something is in the memory of the program to be. */
export type Address = number;

/** A place in the program that steps can name before it is reached. */
export interface Label {
  /** Which step; -1 until placed. */
  step: number;
}

/** Where the program goes on after a step; by default with the next one, after an error at `onError`. */
export interface Next {
  readonly positive?: Label;
  readonly zero?: Label;
  readonly error?: Label;
}

const codeAddress = 0x400000;
const dataAddress = 0x10000000;
const stepsAddress = 0x20000000;
const rowSize = row.words * 8;
const wordsOfRow = row.words * 2;
const elfHeaderSize = 64;
const segmentHeaderSize = 56;

/** Programs of system calls exist for this architecture. */
export function hasMachine(architecture: string = process.arch): boolean {
  return machineOf(architecture) !== undefined;
}

/** A static ELF program that makes system calls, one after another: its data, and its steps. */
export class SyscallProgram {
  readonly #machine: Machine;
  #data = Buffer.alloc(8192);
  #dataLength = 0;
  #rows = new Int32Array(128 * wordsOfRow);
  #count = 0;
  readonly #references: { readonly word: number; readonly label: Label }[] = [];
  readonly #unused: Address;

  constructor(architecture: string = process.arch) {
    const machine = machineOf(architecture);
    if (!machine) throw new Error(`there is no machine for system calls on ${architecture}`);
    this.#machine = machine;
    this.#unused = this.space(8);
  }

  /** Bytes followed by a NUL. Throws on one inside. */
  text(text: string): Address {
    if (text.includes('\0')) throw new TypeError(`text for the kernel holds a NUL byte: ${JSON.stringify(text)}`);
    const length = Buffer.byteLength(text);
    const at = this.#reserve(length + 1, 1);
    this.#data.write(text, at);
    return dataAddress + at;
  }

  bytes(bytes: Uint8Array): Address {
    const at = this.#reserve(bytes.length, 8);
    this.#data.set(bytes, at);
    return dataAddress + at;
  }

  /** Zeroes. */
  space(length: number): Address {
    return dataAddress + this.#reserve(length, 8);
  }

  /** 64-bit words: numbers or addresses. */
  words(values: readonly number[]): Address {
    const at = this.#reserve(values.length * 8, 8);
    values.forEach((value, index) => {
      this.#data.writeInt32LE(lowerHalf(value), at + index * 8);
      this.#data.writeInt32LE(upperHalf(value), at + index * 8 + 4);
    });
    return dataAddress + at;
  }

  label(): Label {
    return { step: -1 };
  }

  /** The next step is what the label names. */
  place(label: Label): void {
    label.step = this.#count;
  }

  /** One system call. `store` is where its result goes. */
  call(name: SyscallName, args: readonly number[], next: Next = {}, store?: Address): void {
    this.#add(syscallNumber(name), args, next, store);
  }

  /** Zero where the eight bytes at `address`, masked, are `value`; positive and error are the same otherwise. */
  compare(address: Address, mask: number, value: number, next: { zero?: Label; other?: Label }): void {
    const { zero, other } = next;
    const targets = { ...(zero && { zero }), ...(other && { positive: other, error: other }) };
    this.#add(compareNumber, [address, mask, value], targets, undefined);
  }

  goto(label: Label): void {
    this.compare(this.#unused, 0, 0, { zero: label });
  }

  /** The argument of a step that is yet to come, as a place for another's result: `ahead` 0 is the next step. */
  argumentOf(ahead: number, index: number): Address {
    return stepsAddress + (this.#count + ahead) * rowSize + (row.arguments + index) * 8;
  }

  /** The program's file. */
  toElf(): Buffer {
    for (const { word, label } of this.#references) {
      if (label.step < 0) throw new Error('a step names a label that is placed nowhere');
      this.#rows[word] = stepsAddress + label.step * rowSize;
    }
    const { pageSize } = this.#machine;
    const code = this.#machine.assemble(stepsAddress);
    const stepsOffset = pageSize + Math.ceil(this.#dataLength / pageSize) * pageSize;
    const steps = Buffer.from(this.#rows.buffer, 0, this.#count * rowSize);
    const headerSize = elfHeaderSize + 4 * segmentHeaderSize;
    const file = Buffer.alloc(stepsOffset + steps.length);
    this.#writeHeader(file, codeAddress + headerSize);
    const readable = 4;
    const writable = 2;
    const executable = 1;
    writeSegment(file, 0, readable | executable, 0, codeAddress, headerSize + code.length, pageSize);
    writeSegment(file, 1, readable | writable, pageSize, dataAddress, this.#dataLength, pageSize);
    writeSegment(file, 2, readable | writable, stepsOffset, stepsAddress, steps.length, pageSize);
    writeStackSegment(file, 3, readable | writable);
    file.set(code, headerSize);
    file.set(this.#data.subarray(0, this.#dataLength), pageSize);
    file.set(steps, stepsOffset);
    return file;
  }

  #writeHeader(file: Buffer, entry: number): void {
    const ET_EXEC = 2;
    file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64 bit, little-endian, version
    file.writeUInt16LE(ET_EXEC, 16);
    file.writeUInt16LE(this.#machine.elfNumber, 18);
    file.writeUInt32LE(1, 20);
    file.writeUInt32LE(entry, 24);
    file.writeUInt32LE(elfHeaderSize, 32);
    file.writeUInt16LE(elfHeaderSize, 52);
    file.writeUInt16LE(segmentHeaderSize, 54);
    file.writeUInt16LE(4, 56);
  }

  #reserve(length: number, alignment: number): number {
    const at = Math.ceil(this.#dataLength / alignment) * alignment;
    const end = at + length;
    if (end > this.#data.length) {
      const larger = Buffer.alloc(Math.max(end, this.#data.length * 2));
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#dataLength = end;
    return at;
  }

  #add(number: number, args: readonly number[], next: Next, store: Address | undefined): void {
    const at = this.#count * wordsOfRow;
    if (at + wordsOfRow > this.#rows.length) {
      const larger = new Int32Array(this.#rows.length * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#set(at + row.number * 2, number);
    for (let index = 0; index < args.length; index++) this.#set(at + (row.arguments + index) * 2, args[index]!);
    this.#set(at + row.store * 2, store ?? this.#unused);
    this.#count += 1;
    this.#goOn(at + row.positive * 2, next.positive);
    this.#goOn(at + row.zero * 2, next.zero);
    this.#goOn(at + row.error * 2, next.error);
  }

  #goOn(word: number, label: Label | undefined): void {
    if (label) this.#references.push({ word, label });
    else this.#rows[word] = stepsAddress + this.#count * rowSize;
  }

  #set(word: number, value: number): void {
    this.#rows[word] = lowerHalf(value);
    this.#rows[word + 1] = upperHalf(value);
  }
}

/** Numbers up to 2^53 and negative ones; from 2^63 on they stand for the largest that there is. */
function upperHalf(value: number): number {
  return value >= 2 ** 63 ? -1 : Math.floor(value / 2 ** 32) | 0;
}

function lowerHalf(value: number): number {
  return value >= 2 ** 63 ? -1 : value | 0;
}

/** elf(5): one entry of the program header table. */
function writeSegment(
  file: Buffer,
  index: number,
  flags: number,
  offset: number,
  address: number,
  length: number,
  alignment: number,
): void {
  const PT_LOAD = 1;
  const at = elfHeaderSize + index * segmentHeaderSize;
  file.writeUInt32LE(PT_LOAD, at);
  file.writeUInt32LE(flags, at + 4);
  file.writeUInt32LE(offset, at + 8);
  file.writeUInt32LE(address, at + 16);
  file.writeUInt32LE(address, at + 24);
  file.writeUInt32LE(length, at + 32);
  file.writeUInt32LE(length, at + 40);
  file.writeUInt32LE(alignment, at + 48);
}

/** Says that the stack holds no code. */
function writeStackSegment(file: Buffer, index: number, flags: number): void {
  const PT_GNU_STACK = 0x6474e551;
  const at = elfHeaderSize + index * segmentHeaderSize;
  file.writeUInt32LE(PT_GNU_STACK, at);
  file.writeUInt32LE(flags, at + 4);
}
