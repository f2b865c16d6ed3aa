import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { helloArchive } from './archive.ts';
import { greetingProgram, isElfArchitecture } from './elf.ts';
import { greeting } from './greeting.ts';

test('hello: the program runs and says its text', { skip: process.arch !== 'x64' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-hello-'));
  const program = join(directory, 'hello');
  writeFileSync(program, greetingProgram('amd64', greeting), { mode: 0o755 });
  assert.equal(execFileSync(program, { encoding: 'utf8' }), greeting);
  rmSync(directory, { recursive: true });
});

test('hello: the arm64 program is these instructions', () => {
  const code = greetingProgram('arm64', 'hi').subarray(120, 152);
  const words = Array.from({ length: 8 }, (_, index) => code.readUInt32LE(index * 4).toString(16));
  // movz x0,#1; adr x1,.+28; movz x2,#2; movz x8,#64; svc #0; movz x0,#0; movz x8,#93; svc #0
  assert.deepEqual(words, [
    'd2800020',
    '100000e1',
    'd2800042',
    'd2800808',
    'd4000001',
    'd2800000',
    'd2800ba8',
    'd4000001',
  ]);
});

test('hello: the archive is the same twice, and tar reads it', () => {
  const archive = helloArchive('amd64');
  assert.deepEqual(helloArchive('amd64'), archive);
  const names = execFileSync('tar', ['--list'], { input: archive, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names.slice(1), ['layer.tar', 'manifest.json']);
  assert.equal(isElfArchitecture('toString'), false);
});
