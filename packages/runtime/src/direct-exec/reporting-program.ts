import { type Address, type Label, type Next, SyscallProgram } from '@wharf/sys/program/syscall-program';
import type { SyscallName } from '@wharf/sys/syscall';

/** What a program tells of itself: records of a step's number and a result, each written at once. */
export const recordSize = 16;
const madeStep = 0;
const failureExitCode = 1;

/** A program whose steps are named, and which says by a descriptor which of them failed. */
export class ReportingProgram extends SyscallProgram {
  readonly #report: number;
  readonly #names: string[] = ['process'];
  readonly #failures: { readonly label: Label; readonly record: Address }[] = [];

  constructor(report: number) {
    super();
    this.#report = report;
  }

  /** A step without which nothing else makes sense. */
  must(step: string, name: SyscallName, args: readonly number[], next: Next = {}): void {
    const { label, record } = this.#failure(step);
    this.call(name, args, { ...next, error: label }, record + 8);
  }

  /** Clones: the child goes on with what follows, this process tells which it is, or why there is none, and ends. */
  fork(flags: number): void {
    const child = this.label();
    const record = this.words([madeStep, 0]);
    const tell = this.label();
    this.call('clone', [flags, 0, 0, 0, 0], { zero: child, error: tell }, record + 8);
    this.place(tell);
    this.call('write', [this.#report, record, recordSize]);
    this.call('exit_group', [0]);
    this.place(child);
  }

  /** Where a step leads that cannot be done. */
  failed(step: string): Label {
    return this.#failure(step).label;
  }

  /** The program's file, and the names of its steps for `parseReport`. */
  finish(): { elf: Buffer; names: readonly string[] } {
    const end = this.label();
    for (const { label, record } of this.#failures) {
      this.place(label);
      this.call('write', [this.#report, record, recordSize], { positive: end, zero: end, error: end });
    }
    this.place(end);
    this.call('exit_group', [failureExitCode]);
    return { elf: this.toElf(), names: this.#names };
  }

  #failure(step: string): { label: Label; record: Address } {
    const failure = { label: this.label(), record: this.words([this.#names.length, 0]) };
    this.#names.push(step);
    this.#failures.push(failure);
    return failure;
  }
}

export interface Report {
  /** The parent has told what became of the child; it is the last that is told. */
  readonly whole: boolean;
  /** The process that was made, if it was. */
  readonly pid: number | undefined;
  /** The step that failed, and its errno: also of a process that was made. */
  readonly failure: { readonly step: string; readonly errno: number } | undefined;
}

export function parseReport(bytes: Buffer, names: readonly string[]): Report {
  let pid: number | undefined;
  let failure: Report['failure'];
  let whole = false;
  for (let at = 0; at + recordSize <= bytes.length; at += recordSize) {
    const step = bytes.readUInt32LE(at);
    const result = bytes.readInt32LE(at + 8);
    if (step === madeStep) whole = true;
    if (step === madeStep && result > 0) pid = result;
    else failure ??= { step: names[step] ?? '', errno: -result };
  }
  return { whole, pid, failure };
}
