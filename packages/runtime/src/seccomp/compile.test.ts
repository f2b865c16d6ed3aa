import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { OciSeccomp, SeccompArgument } from '@wharf/oci/runtime-spec';
import { resolveSyscall } from '@wharf/sys/seccomp-ffi';
import { compileProfile } from './compile.ts';
import { defaultProfile } from './default-profile.ts';
import { parseSeccompProfile } from './profile.ts';
import { resolveProfile, type SeccompTarget } from './resolve.ts';
import { createSeccompSource } from './seccomp.ts';

const auditArchitecture = process.arch === 'arm64' ? 0xc00000b7 : 0xc000003e;
const allow = 0x7fff0000;

/** Runs a compiled filter as the kernel does. Linux, Documentation/networking/filter.rst */
function evaluate(program: Buffer, number: number, args: readonly bigint[]): number {
  const data = Buffer.alloc(64);
  data.writeInt32LE(number, 0);
  data.writeUInt32LE(auditArchitecture, 4);
  for (const [i, value] of args.entries()) data.writeBigUInt64LE(value, 16 + 8 * i);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const code = program.readUInt16LE(at * 8);
    const [ifTrue, ifFalse, k] = [program[at * 8 + 2]!, program[at * 8 + 3]!, program.readUInt32LE(at * 8 + 4)];
    const jump = (condition: boolean) => (condition ? ifTrue : ifFalse);
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += jump(accumulator === k);
    else if (code === 0x25) at += jump(accumulator > k);
    else if (code === 0x35) at += jump(accumulator >= k);
    else if (code === 0x06) return k;
    else throw new Error(`unknown instruction ${code.toString(16)}`);
  }
}

/** What the profile says, read without libseccomp: the last rule that matches. */
function expected(profile: OciSeccomp, name: string, args: readonly bigint[]): number {
  const rules = (profile.syscalls ?? []).filter(
    (rule) => rule.names.includes(name) && (rule.args ?? []).every((argument) => holds(argument, args)),
  );
  const rule = rules.find(({ action }) => action === 'SCMP_ACT_ALLOW') ?? rules[0];
  if (!rule) return 0x00050000 | (profile.defaultErrnoRet ?? 1);
  return rule.action === 'SCMP_ACT_ALLOW' ? allow : 0x00050000 | (rule.errnoRet ?? 1);
}

function holds({ index, op, value, valueTwo = 0 }: SeccompArgument, args: readonly bigint[]): boolean {
  const actual = args[index] ?? 0n;
  if (op === 'SCMP_CMP_EQ') return actual === BigInt(value);
  if (op === 'SCMP_CMP_NE') return actual !== BigInt(value);
  if (op === 'SCMP_CMP_MASKED_EQ') return (actual & BigInt(value)) === BigInt(valueTwo);
  throw new Error(op);
}

const docker = ['CAP_CHOWN', 'CAP_SYS_CHROOT', 'CAP_NET_RAW', 'CAP_MKNOD'];
const target: SeccompTarget = {
  capabilities: docker,
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  kernel: [6, 1],
};

describe('seccomp: the compiled default filter decides as the profile says', () => {
  for (const capabilities of [docker, [...docker, 'CAP_SYS_ADMIN'], []]) {
    test(`with ${capabilities.length} capabilities`, () => {
      const profile = resolveProfile(defaultProfile, { ...target, capabilities });
      const program = compileProfile(profile);
      const refused = ['keyctl', 'add_key', 'io_uring_setup', 'userfaultfd', 'kexec_load', 'create_module', 'unshare'];
      const names = [...new Set([...(defaultProfile.syscalls ?? []).flatMap((rule) => rule.names ?? []), ...refused])];
      let compared = 0;
      for (const name of names) {
        const number = resolveSyscall(name);
        if (number < 0) continue;
        for (const first of [0n, 2n, 8n, 40n, 0x10000000n, 0x20000n, 0xffffffffn, 0x7fffffff00000000n]) {
          const args = [first, 0n, 0n];
          assert.equal(evaluate(program, number, args), expected(profile, name, args), `${name}(${first})`);
          compared++;
        }
      }
      assert.ok(compared > 2000, `${compared} decisions compared`);
    });
  }

  test('the other instruction sets of this processor do not lead around it', () => {
    const program = compileProfile(resolveProfile(defaultProfile, target));
    const x32Unshare = 0x40000000 + 272;
    if (process.arch === 'x64') assert.notEqual(evaluate(program, x32Unshare, [0x10000000n]), allow);
  });
});

test('seccomp: a kernel before 4.8 does not get ptrace', () => {
  const old = resolveProfile(defaultProfile, { ...target, kernel: [4, 4] });
  assert.ok(!old.syscalls?.some(({ names }) => names.includes('ptrace')));
});

test('seccomp: compiled filters survive a restart, and a damaged one is made again', () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'wharf-seccomp-'));
  try {
    const first = createSeccompSource({ cacheDirectory }).filter('builtin', docker, true);
    const [name = ''] = readdirSync(cacheDirectory);
    assert.deepEqual(createSeccompSource({ cacheDirectory }).filter('builtin', docker, true), first);
    writeFileSync(join(cacheDirectory, name), 'half');
    assert.deepEqual(createSeccompSource({ cacheDirectory }).filter('builtin', docker, true), first);
  } finally {
    rmSync(cacheDirectory, { recursive: true });
  }
});

describe('seccomp: a bad profile of a client', () => {
  const rows: readonly [json: string, message: RegExp][] = [
    ['{bad', /^Decoding seccomp profile failed: /],
    ['[]', /^Decoding seccomp profile failed: /],
    ['{"defaultAction":"X"}', /unknown action "X"/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"Y"}]}', /unknown action "Y"/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[null]}', /^Decoding seccomp profile failed: /],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', /^Decoding seccomp profile failed: /],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":"read","action":"SCMP_ACT_ALLOW"}]}', /^Decoding/],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":9,"op":"Z","value":1}]}]}',
      /^Decoding/,
    ],
    ['{"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],"archMap":[{"architecture":"b"}]}', /^both 'arch/],
  ];
  for (const [json, message] of rows) {
    test(json, () => assert.throws(() => parseSeccompProfile(json), { code: 'invalid_argument', message }));
  }
});
