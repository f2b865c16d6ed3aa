import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { containerCreateRequest } from '@wharf/api/decode/container';
import { mount, mountFlags, unmountAll } from '@wharf/sys/mount';
import { createSeccompSource } from '../seccomp/seccomp.ts';
import { removeTestCgroups } from '../test-cgroups.ts';
import type { SpecMount } from './mounts.ts';
import { serializeSpec } from './rlimits.ts';
import { rootFiles } from './root-files.ts';
import { createRuntimeSpec, type SpecInput } from './spec.ts';
import { readSpecHost, runtimeFeatures } from './spec-host.ts';
import { resolveUser } from './user.ts';

// Bundles as the generator makes them, run by the runtimes that this machine has, looked at from inside.

const directory = mkdtempSync(join(tmpdir(), 'wharf-spec-'));
const root = join(directory, 'root');
const cgroup = `wharf-spec-test-${process.pid}`;
const runtimes = (['crun', 'runc'] as const).filter(
  (name) => existsSync(`/usr/bin/${name}`) || existsSync(`/usr/sbin/${name}`),
);
const restricted = join(directory, 'restricted');
let containers = 0;

before(() => {
  mkdirSync(join(directory, 'in'));
  mkdirSync(restricted);
  mount({ source: 'tmpfs', target: restricted, type: 'tmpfs', flags: mountFlags.MS_NOSUID | mountFlags.MS_NODEV });
  for (const place of ['bin', 'etc', 'tmp']) mkdirSync(join(root, place), { recursive: true });
  cpSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const name of 'sh id cat grep head mount mkdir touch ls tr unshare hostname'.split(' ')) {
    symlinkSync('busybox', join(root, 'bin', name));
  }
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nwheel:x:10:root,bob\n');
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(directory, name), `${name}\n`);
});

after(() => {
  unmountAll(restricted);
  removeTestCgroups(cgroup);
  rmSync(directory, { recursive: true });
});

function run(runtime: 'crun' | 'runc', script: string, body: object, input: Partial<SpecInput> = {}) {
  const { HostConfig: hostConfig, ...config } = containerCreateRequest({ Hostname: 'h1', ...body }, '');
  const id = `${cgroup}-${containers++}`;
  const bundle = join(directory, id);
  mkdirSync(bundle);
  const host = readSpecHost({
    seccomp: createSeccompSource({ cacheDirectory: join(directory, 'seccomp') }),
    runtime: runtimeFeatures(runtime, runtime === 'crun' ? '1.8.1' : '1.1.5', release()),
    defaultShmSize: 1 << 26,
    defaultUlimits: [],
    noNewPrivileges: false,
    initByDefault: false,
    initPath: undefined,
    searchPath: ['/usr/bin'],
  });
  const spec = createRuntimeSpec(
    {
      config,
      hostConfig,
      args: ['sh', '-c', script],
      user: resolveUser(rootFiles(root), config.User, hostConfig.GroupAdd),
      root: { kind: 'path', path: root },
      mounts: [],
      files: {
        hosts: join(directory, 'hosts'),
        hostname: join(directory, 'hostname'),
        resolvConf: join(directory, 'resolv.conf'),
      },
      namespaces: { network: { kind: 'new' } },
      networkSysctlsWritten: false,
      cgroupsPath: `/${cgroup}/${id}`,
      ...input,
    },
    host,
  );
  writeFileSync(join(bundle, 'config.json'), serializeSpec(spec));
  // In a mount namespace of its own, where crun 1.8 sees no hybrid hierarchy, which it does not run on.
  const hide = 'umount -l /sys/fs/cgroup/unified 2>/dev/null';
  const command = `${hide}; exec ${runtime} --root ${directory}/state run -b ${bundle} ${id}`;
  const options = { encoding: 'utf8', timeout: 10_000 } as const;
  const { stdout, stderr } = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', command], options);
  return { stdout: stdout.trim(), stderr: stderr.trim() };
}

const bind: SpecMount = {
  type: 'bind',
  destination: '/d',
  source: directory,
  readOnly: false,
  propagation: 'rprivate',
  nonRecursive: false,
  readOnlyNonRecursive: false,
  readOnlyForceRecursive: false,
  tmpfsOptions: [],
};

interface Row {
  readonly what: string;
  readonly script: string;
  readonly body?: object;
  readonly input?: Partial<SpecInput>;
  readonly expected: string | RegExp;
}

const rows: readonly Row[] = [
  { what: 'root and its groups', script: 'id', expected: 'uid=0(root) gid=0(root) groups=0(root),10(wheel)' },
  {
    what: 'a user of the image, without capabilities',
    script: 'id -u; echo $HOME; grep CapEff /proc/self/status',
    body: { User: 'bob' },
    expected: '1000\n/home/bob\nCapEff:\t0000000000000000',
  },
  {
    what: 'the default capabilities',
    script: 'grep -E "CapEff|CapBnd" /proc/self/status',
    expected: 'CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb',
  },
  {
    what: 'a seccomp filter that refuses namespaces',
    script: 'grep "Seccomp:" /proc/self/status; unshare -U true || echo refused',
    expected: 'Seccomp:\t2\nrefused',
  },
  {
    what: 'a seccomp profile of the client',
    script: 'mkdir /tmp/new 2>&1',
    body: {
      HostConfig: {
        SecurityOpt: [
          `seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}`,
        ],
      },
    },
    expected: /Function not implemented$/,
  },
  {
    what: 'no filter and no new privileges, when asked',
    script: 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status',
    body: { HostConfig: { SecurityOpt: ['seccomp=unconfined', 'no-new-privileges'] } },
    expected: 'NoNewPrivs:\t1\nSeccomp:\t0',
  },
  {
    what: 'a working directory that the image lacks',
    script: 'pwd',
    body: { WorkingDir: '/new/one' },
    expected: '/new/one',
  },
  {
    what: 'limits',
    script: 'ulimit -n; ulimit -Hn; ulimit -c',
    body: {
      HostConfig: {
        Ulimits: [
          { Name: 'nofile', Soft: 100, Hard: 200 },
          { Name: 'core', Soft: -1, Hard: -1 },
        ],
      },
    },
    expected: '100\n200\nunlimited',
  },
  {
    what: 'a read-only root with a writable tmpfs',
    script:
      'touch /x /etc/hosts 2>/dev/null; ls /x 2>/dev/null; touch /t/a && echo written; mount | grep -c "/t type tmpfs.*size=1024k"',
    body: { HostConfig: { ReadonlyRootfs: true, Tmpfs: { '/t': 'size=1m' } } },
    expected: 'written\n1',
  },
  {
    what: 'binds, nested and read-only',
    script: 'cat /e/in/hosts; touch /d/x 2>/dev/null || echo read-only',
    input: {
      mounts: [
        { ...bind, destination: '/e/in' },
        { ...bind, destination: '/e' },
        { ...bind, readOnly: true },
      ],
    },
    expected: 'hosts\nread-only',
  },
  {
    what: 'a bind that stays as restricted as its source',
    script: 'mount | grep " on /d "',
    input: { mounts: [{ ...bind, source: restricted }] },
    expected: /nosuid,nodev/,
  },
  {
    what: 'limits of memory, processes and processor, on either version of cgroups',
    script: `cd /sys/fs/cgroup
      cat memory/memory.limit_in_bytes memory.max pids/pids.max pids.max cpu/cpu.cfs_quota_us cpu.max 2>/dev/null`,
    body: { HostConfig: { CgroupnsMode: 'private', Memory: 1 << 26, PidsLimit: 50, NanoCpus: 5e8 } },
    expected: /^67108864\n50\n50000( 100000)?$/,
  },
  {
    what: 'a device with its permissions',
    script:
      'ls /dev/mine; head -c1 /dev/mine >/dev/null && echo readable; echo x 2>/dev/null >/dev/mine || echo not writable',
    body: {
      HostConfig: { Devices: [{ PathOnHost: '/dev/full', PathInContainer: '/dev/mine', CgroupPermissions: 'r' }] },
    },
    expected: /^\/dev\/mine/,
  },
  {
    what: 'sysctls and names',
    script:
      'hostname; cat /proc/sys/kernel/domainname /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start',
    body: { Domainname: 'example.org', HostConfig: { Sysctls: { 'kernel.msgmax': '9000' } } },
    expected: 'h1\nexample.org\n9000\n0',
  },
  {
    what: 'an init',
    script: 'cat /proc/1/cmdline | tr "\\0" " "',
    body: { HostConfig: { Init: true } },
    expected: /^\/sbin\/docker-init -- sh -c/,
  },
  {
    what: 'masked and read-only places',
    script: '(cat /proc/timer_list | grep -c .; echo x > /proc/sys/kernel/domainname; ls /sys/firmware) 2>&1',
    expected: /^0\n.*Read-only file system$/,
  },
];

for (const runtime of runtimes) {
  describe(`spec under ${runtime}`, () => {
    for (const { what, script, body = {}, input, expected } of rows) {
      test(what, () => {
        const { stdout, stderr } = run(runtime, script, body, input);
        if (typeof expected === 'string') assert.equal(stdout, expected, stderr);
        else assert.match(stdout, expected, stderr);
      });
    }

    test('a privileged container has every device and capability that the engine has', () => {
      const script = 'grep CapEff /proc/self/status; ls /dev/kmsg; mount | grep -c " /sys type sysfs (rw"';
      const { stdout } = run(runtime, script, { HostConfig: { Privileged: true } });
      assert.match(stdout, /^CapEff:\t0000[0-9a-f]+\n\/dev\/kmsg\n1$/);
    });

    test('CVE-2024-21626: a working directory behind a descriptor of the runtime leads nowhere', () => {
      for (let descriptor = 3; descriptor < 12; descriptor++) {
        const { stdout } = run(runtime, 'pwd', { WorkingDir: `/proc/self/fd/${descriptor}` });
        assert.equal(stdout, '');
      }
    });

    // crun takes one from 1.22 on.
    if (runtime === 'crun') return;
    test('an overlay that the runtime itself mounts as the root', () => {
      const [upperDir, workDir, path] = ['upper', 'work', 'merged'].map((name) => {
        const place = join(directory, name);
        mkdirSync(place, { recursive: true });
        return place;
      }) as [string, string, string];
      const overlay = { kind: 'overlay', path, lowerDirs: [root], upperDir, workDir, volatile: true } as const;
      const { stdout } = run(runtime, 'echo written > /made; mount | head -1', {}, { root: overlay });
      assert.match(stdout, /^overlay on \/ type overlay/);
      assert.ok(existsSync(join(upperDir, 'made')));
    });
  });
}
