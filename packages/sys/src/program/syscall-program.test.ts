import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createPipe } from '../descriptor.ts';
import { spawnProcess } from '../process.ts';
import { syscall } from '../syscall.ts';
import { openProgramFile } from './program-file.ts';
import { SyscallProgram } from './syscall-program.ts';

const AT_FDCWD = -100;

/** Runs a program to its end: what it writes to its stdout, and its exit code. */
function run(program: SyscallProgram): { output: string; code: number } {
  using file = openProgramFile(program.toElf());
  const output = createPipe();
  const nothing = openSync('/dev/null', 'r+');
  const pid = spawnProcess({ command: [file.path], stdio: [nothing, output.write, nothing] });
  closeSync(nothing);
  closeSync(output.write);
  const chunks: Buffer[] = [];
  for (let length = 1; length > 0; ) {
    const chunk = Buffer.alloc(4096);
    length = readSync(output.read, chunk);
    chunks.push(chunk.subarray(0, length));
  }
  closeSync(output.read);
  const status = new Int32Array(1);
  assert.equal(syscall('wait4', pid, status, 0), pid);
  return { output: Buffer.concat(chunks).toString('latin1'), code: (status[0]! >> 8) & 0xff };
}

describe('a program of system calls', () => {
  test('makes one after another, with text of its own', () => {
    const program = new SyscallProgram();
    program.call('write', [1, program.text('one '), 4]);
    program.call('write', [1, program.text('two'), 3]);
    program.call('exit_group', [7]);
    assert.deepEqual(run(program), { output: 'one two', code: 7 });
  });

  test('goes on where a positive result, zero or an error leads', () => {
    const program = new SyscallProgram();
    const [positive, zero, error] = [program.label(), program.label(), program.label()];
    const say = (word: string) => program.call('write', [1, program.text(word), word.length]);
    program.call('umask', [0o22], { zero });
    program.place(zero);
    program.call('write', [1, program.text('p'), 1], { positive });
    say('not this');
    program.place(positive);
    program.call('umask', [0]);
    program.call('umask', [0], { zero: error });
    say('nor this');
    program.place(error);
    say('z');
    const failed = program.label();
    program.call('openat', [AT_FDCWD, program.text('/no/such/file'), 0, 0], { error: failed });
    say('least of all this');
    program.place(failed);
    say('e');
    program.call('exit_group', [0]);
    assert.deepEqual(run(program), { output: 'pze', code: 0 });
  });

  test('stores a result, also as the argument of a later step', () => {
    const program = new SyscallProgram();
    const result = program.space(8);
    program.call('openat', [AT_FDCWD, program.text('/no/such/file'), 0, 0], {}, result);
    program.call('write', [1, result, 8]);
    program.call('openat', [AT_FDCWD, program.text('/proc/self/comm'), 0, 0], {}, program.argumentOf(1, 0));
    const buffer = program.space(64);
    program.call('read', [-1, buffer, 64], {}, program.argumentOf(1, 2));
    program.call('write', [1, buffer, 0]);
    program.call('exit_group', [0]);
    const { output } = run(program);
    assert.equal(Buffer.from(output.slice(0, 8), 'latin1').readBigInt64LE(), -2n);
    assert.match(output.slice(8), /^\d+\n$/);
  });

  test('compares memory', () => {
    const program = new SyscallProgram();
    const text = program.text('/path\0\0\0'.slice(0, 5));
    const [yes, no, end] = [program.label(), program.label(), program.label()];
    program.compare(text, 0xff, 0x2f, { other: no });
    program.compare(text, 0xffff, 0x2f, { zero: no, other: yes });
    program.place(no);
    program.call('exit_group', [1]);
    program.place(yes);
    program.goto(end);
    program.call('exit_group', [2]);
    program.place(end);
    program.call('exit_group', [3]);
    assert.equal(run(program).code, 3);
  });

  test('a clone that shares the memory goes on beside it', () => {
    const CLONE_VM = 0x100;
    const CLONE_VFORK = 0x4000;
    const SIGCHLD = 17;
    const program = new SyscallProgram();
    const child = program.label();
    const pid = program.space(8);
    const status = program.space(8);
    program.call('clone', [CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0], { zero: child }, pid);
    program.call('wait4', [-1, status, 0, 0]);
    program.call('write', [1, program.text('parent'), 6]);
    program.call('exit_group', [0]);
    program.place(child);
    program.call('write', [1, program.text('child '), 6]);
    program.call('exit_group', [0]);
    assert.deepEqual(run(program), { output: 'child parent', code: 0 });
  });

  test('replaces itself by another program', () => {
    const program = new SyscallProgram();
    const path = program.text('/bin/sh');
    const args = program.words([path, program.text('-c'), program.text('echo $A'), 0]);
    program.call('execve', [path, args, program.words([program.text('A=b'), 0])]);
    program.call('exit_group', [9]);
    assert.deepEqual(run(program), { output: 'b\n', code: 0 });
  });

  test('holds more data and steps than it began with', () => {
    const program = new SyscallProgram();
    for (let index = 0; index < 1000; index++) program.call('write', [1, program.text(`${index % 10}`.repeat(50)), 50]);
    program.call('exit_group', [0]);
    assert.equal(run(program).output.length, 50_000);
  });

  test('a label that is placed nowhere is refused', () => {
    const program = new SyscallProgram();
    program.call('umask', [0], { zero: program.label() });
    assert.throws(() => program.toElf(), /placed nowhere/);
  });

  test('CVE-2019-5736: nobody can write into its file', () => {
    const program = new SyscallProgram();
    program.call('exit_group', [0]);
    using file = openProgramFile(program.toElf());
    const number = Number(file.path.split('/').pop());
    const EPERM = 1;
    assert.equal(syscall('pwrite64', number, Buffer.from('x'), 1, 0), -EPERM);
    assert.equal(syscall('ftruncate', number, 0), -EPERM);
  });
});
