import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatPlatform, hostPlatform, normalizePlatform } from '@wharf/oci/platform';
import { requireRunnable, runnablePlatforms } from './runnable-platforms.ts';

const directory = mkdtempSync(join(tmpdir(), 'binfmt-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Of a 64-bit program whose bytes from the 16th on are these. */
function handler(name: string, { flags = 'OCF', state = 'enabled', machine = '0200f300' } = {}): void {
  const magic = `7f454c46020101000000000000000000${machine}`;
  const lines = [state, 'interpreter /usr/bin/qemu', `flags: ${flags}`, 'offset 0', `magic ${magic}`, ''];
  writeFileSync(join(directory, name), lines.join('\n'));
}

function names(): string[] {
  return runnablePlatforms(directory).map(formatPlatform);
}

test('this host comes first, and what the kernel has an emulator for comes with it', () => {
  writeFileSync(join(directory, 'status'), 'enabled\n');
  const host = formatPlatform(normalizePlatform(hostPlatform()));
  expect(names()[0]).toBe(host);
  expect(names()).not.toContain('linux/riscv64');
  handler('qemu-riscv64');
  expect(names()).toContain('linux/riscv64');
  expect(() => requireRunnable({ os: 'linux', architecture: 'riscv64' }, directory)).not.toThrow();
});

test.each([{ flags: 'OC' }, { state: 'disabled' }, { machine: '0200ffff' }])('a handler with %p is none', (facts) => {
  handler('qemu-riscv64', facts);
  expect(names()).not.toContain('linux/riscv64');
  expect(() => requireRunnable({ os: 'linux', architecture: 'riscv64' }, directory)).toThrow(/qemu-user-static/);
});

test('where nobody has mounted the registry, this host runs its own', () => {
  expect(() => requireRunnable(hostPlatform(), join(directory, 'none'))).not.toThrow();
  expect(() => requireRunnable({ os: 'windows', architecture: 'amd64' }, join(directory, 'none'))).toThrow(/windows/);
});
