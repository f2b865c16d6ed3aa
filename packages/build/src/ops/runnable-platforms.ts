import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '@wharf/base/error';
import { formatPlatform, hostPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';

const binfmtDirectory = '/proc/sys/fs/binfmt_misc';

/** Of `e_machine` in an ELF header, by the class and the byte order before it. elf(5) */
const machines: Readonly<Record<string, string>> = {
  '1 1 3': '386',
  '2 1 62': 'amd64',
  '1 1 40': 'arm',
  '2 1 183': 'arm64',
  '2 1 243': 'riscv64',
  '2 2 22': 's390x',
  '2 2 21': 'ppc64',
  '2 1 21': 'ppc64le',
  '2 2 8': 'mips64',
  '2 1 8': 'mips64le',
  '2 1 258': 'loong64',
};

/** What the host's processors may run besides their own: whether they do is seen when it is tried. */
const relatives: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' };

/** Platforms whose programs run here, this host's first; others through what the kernel starts for them. */
export function runnablePlatforms(directory = binfmtDirectory): readonly Platform[] {
  const host = normalizePlatform(hostPlatform());
  // A kernel without 32-bit system calls has no such setting.
  const native = host.architecture === 'amd64' && existsSync('/proc/sys/abi/vsyscall32') ? ['386'] : [];
  const all = new Set([...native, ...emulated(directory)]);
  all.delete(host.architecture);
  return [host, ...[...all].map((architecture) => normalizePlatform({ os: 'linux', architecture }))];
}

/** Throws with what to do where a command for another platform cannot run here. */
export function requireRunnable(platform: Platform, directory = binfmtDirectory): void {
  const { os, architecture } = normalizePlatform(platform);
  const host = hostPlatform();
  if (os === host.os && (architecture === host.architecture || relatives[host.architecture] === architecture)) return;
  if (os === host.os && emulated(directory).includes(architecture)) return;
  const [wanted, here] = [formatPlatform(normalizePlatform(platform)), formatPlatform(normalizePlatform(host))];
  throw new EngineError(
    'invalid_argument',
    `cannot run a command for ${wanted} on ${here}: no emulator is registered for it with the kernel. ` +
      'Install qemu-user-static with binfmt-support on this host (its handlers need the flag F), ' +
      'or run the command on the builder with FROM --platform=$BUILDPLATFORM',
  );
}

function emulated(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name !== 'register' && name !== 'status');
  } catch {
    // Nobody has mounted it.
    return [];
  }
  return names.flatMap((name) => architectureOf(readFileSync(join(directory, name), 'utf8')) ?? []);
}

/** Of one handler. Without the flag F the kernel looks for the emulator in the container, where it is not. */
function architectureOf(text: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name}:? ?(.*)$`, 'm').exec(text)?.[1] ?? '';
  if (!text.startsWith('enabled\n') || !field('flags').includes('F')) return undefined;
  const header = Buffer.from(field('magic'), 'hex');
  if (field('offset') !== '0' || header.length < 20 || header.toString('latin1', 1, 4) !== 'ELF') return undefined;
  const [bits, order] = [header[4], header[5]];
  const machine = order === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
  return machines[`${bits} ${order} ${machine}`];
}
