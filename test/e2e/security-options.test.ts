import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

/** `--security-opt` in all its forms, paths and device rules: what each does inside, and what is refused. */
const engine = useDaemon();

type Case = readonly [
  name: string,
  hostConfig: Record<string, unknown>,
  script: string,
  expected: string | RegExp,
  options?: { skip: string | false },
];

const status = (field: string) => `sed -n 's/^${field}:[ \\t]*//p' /proc/self/status`;
const profile = (fields: object) => `seccomp=${JSON.stringify(fields)}`;
const allowing = (rules: readonly object[], more: object = {}) =>
  profile({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], syscalls: rules, ...more });

const seen: readonly Case[] = [
  [
    'no-new-privileges:true, as old clients say it',
    { SecurityOpt: ['no-new-privileges:true'] },
    status('NoNewPrivs'),
    '1',
  ],
  ['no-new-privileges=1', { SecurityOpt: ['no-new-privileges=1'] }, status('NoNewPrivs'), '1'],
  [
    'the last of two',
    { SecurityOpt: ['no-new-privileges=true', 'no-new-privileges=false'] },
    status('NoNewPrivs'),
    '0',
  ],
  ['seccomp:unconfined, as old clients say it', { SecurityOpt: ['seccomp:unconfined'] }, status('Seccomp'), '0'],
  ['a filter beside no_new_privs', { SecurityOpt: ['no-new-privileges'] }, status('Seccomp'), '2'],
  ['no filter for the privileged', { Privileged: true }, status('Seccomp'), '0', wharfOnly()],
  [
    'a filter for the privileged who ask for one',
    { Privileged: true, SecurityOpt: [allowing([{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }])] },
    `${status('Seccomp')}; mkdir /x 2>&1 | grep -o 'not permitted'`,
    '2\nnot permitted',
    wharfOnly(),
  ],
  [
    'an errno of one’s own',
    { SecurityOpt: [allowing([{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }])] },
    "mkdir /x 2>&1 | grep -o 'No space left'",
    'No space left',
  ],
  [
    'a default errno',
    {
      SecurityOpt: [allowing([{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }])],
    },
    "mkdir /x 2>&1 | grep -o 'not implemented'",
    'not implemented',
  ],
  [
    'what is not allowed kills',
    { SecurityOpt: [allowing([{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' }])] },
    '(mkdir /x) 2>/dev/null; echo $?',
    '159',
  ],
  [
    'arguments are compared',
    {
      SecurityOpt: [
        allowing([
          {
            names: ['personality'],
            action: 'SCMP_ACT_ERRNO',
            args: [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }],
          },
        ]),
      ],
    },
    'setarch linux32 echo ran 2>/dev/null; linux32 echo ran 2>/dev/null; linux64 echo 64',
    /^(ran\n)*64$/,
  ],
  [
    'one name instead of names',
    { SecurityOpt: [allowing([{ name: 'mkdir', action: 'SCMP_ACT_ERRNO' }])] },
    status('Seccomp'),
    '2',
  ],
  [
    'SELinux labels of all kinds',
    {
      SecurityOpt: ['user:u', 'role:r', 'type:t', 'level:s0', 'filetype:f', 'disable', 'nested'].map(
        (label) => `label=${label}`,
      ),
    },
    'echo ran',
    'ran',
  ],
  ['a label by a colon', { SecurityOpt: ['label:disable'] }, 'echo ran', 'ran'],
  ['apparmor=unconfined', { SecurityOpt: ['apparmor=unconfined'] }, 'echo ran', 'ran'],
  [
    'masked: a file shows as an empty one, a directory as an empty one',
    {},
    'wc -c </proc/keys; ls /proc/scsi /proc/acpi /sys/firmware 2>/dev/null | grep -v : | grep -c .',
    '0\n0',
  ],
  ['masked paths survive a bind of their parent', { Tmpfs: { '/sys/firmware': '' } }, 'ls /sys/firmware | wc -l', '0'],
  [
    'read-only: sysctls and the magic keys',
    {},
    '(echo 1 >/proc/sys/kernel/panic) 2>&1 | grep -o "Read-only"; grep -c "^proc /proc/.* ro," /proc/mounts',
    /^Read-only\n[3-9]$/,
  ],
  [
    'nothing is masked or read-only for the privileged',
    { Privileged: true },
    'grep -c " /proc/" /proc/mounts',
    '0',
    wharfOnly(),
  ],
  [
    'sysfs and cgroups are read-only',
    {},
    'grep -c "^\\(sysfs\\|cgroup2*\\) .* ro," /proc/mounts | grep -v "^0"; (mkdir /sys/fs/cgroup/pids/x || mkdir /sys/fs/cgroup/x) 2>&1 | tail -1 | grep -o Read-only',
    /^\d+\nRead-only$/,
  ],
  [
    'device rules by kind and numbers',
    { DeviceCgroupRules: ['c 1:7 r'] },
    'mknod /full c 1 7 2>/dev/null || echo no; mknod /n c 1 3; (echo x >/n) && echo yes',
    /no\nyes$|yes$/,
  ],
  [
    'a device of which may only be read',
    { Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/mine', CgroupPermissions: 'r' }] },
    'cat /dev/mine && echo read',
    'read',
  ],
];

describe('security options: seen inside', () => {
  for (const [name, HostConfig, script, expected, options = {}] of seen) {
    test(name, options, async () => {
      const { stdout, stderr } = await engine.sh(script, { HostConfig });
      if (typeof expected === 'string') assert.equal(stdout.trim(), expected, stderr);
      else assert.match(stdout.trim(), expected, stderr);
    });
  }
});

const refused: readonly (readonly [name: string, hostConfig: Record<string, unknown>, message: RegExp])[] = [
  ['nothing of a key', { SecurityOpt: ['seccomp'] }, /invalid --security-opt 1: "seccomp"/],
  ['a key of nobody', { SecurityOpt: ['sandbox=yes'] }, /invalid --security-opt 2: "sandbox=yes"/],
  ['no boolean', { SecurityOpt: ['no-new-privileges=maybe'] }, /invalid --security-opt 2: "no-new-privileges=maybe"/],
  [
    'an action of nobody',
    { SecurityOpt: [profile({ defaultAction: 'SCMP_ACT_ASK' })] },
    /unknown action|invalid|seccomp/i,
  ],
  [
    'architectures in two ways',
    {
      SecurityOpt: [
        profile({
          defaultAction: 'SCMP_ACT_ALLOW',
          architectures: ['SCMP_ARCH_X86'],
          archMap: [{ architecture: 'SCMP_ARCH_X86_64' }],
        }),
      ],
    },
    /'architectures' and 'archMap' (are|were) specified in the seccomp profile, use either 'architectures' or 'archMap'/,
  ],
  [
    'names in two ways',
    { SecurityOpt: [allowing([{ name: 'a', names: ['b'], action: 'SCMP_ACT_ALLOW' }])] },
    /'name' and 'names' (are|were) specified in the seccomp profile, use either 'name' or 'names'/,
  ],
  ['a device rule of nobody', { DeviceCgroupRules: ['z 1:1 rwm'] }, /invalid device cgroup rule format: 'z 1:1 rwm'/],
  [
    'a device that is not there',
    { Devices: [{ PathOnHost: '/dev/no-such', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }] },
    /error gathering device information while adding custom device "\/dev\/no-such": no such file or directory/,
  ],
];

describe('security options: refused, at create or at the start', () => {
  for (const [name, HostConfig, message] of refused) {
    test(name, async () => {
      let answer = await engine.api('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'], HostConfig });
      const id = answer.json.Id;
      if (answer.status === 201) answer = await engine.api('POST', `/containers/${id}/start`);
      assert.ok(answer.status >= 400, `it was taken: ${answer.status}`);
      assert.match(answer.json.message, message);
      if (id) await engine.remove(id);
    });
  }

  test('a profile of AppArmor that nothing can load is said to be dropped', {
    skip: wharfOnly().skip || (existsSync('/sys/kernel/security/apparmor') && 'a kernel with AppArmor'),
  }, async () => {
    const HostConfig = { SecurityOpt: ['apparmor=mine'] };
    const { status, json } = await engine.api('POST', '/containers/create', { Image: 'busybox', HostConfig });
    assert.deepEqual(
      [status, json.Warnings],
      [201, ['Your kernel does not support AppArmor.  AppArmor profile "mine" discarded.']],
    );
    await engine.remove(json.Id);
  });
});
