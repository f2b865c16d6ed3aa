import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerCreateRequest } from '@wharf/api/container';
import { containerCreateRequest } from '@wharf/api/decode/container';
import type { OciSpec } from '@wharf/oci/runtime-spec';
import { knownCapabilities } from './capabilities.ts';
import type { SpecMount } from './mounts.ts';
import { serializeSpec } from './rlimits.ts';
import { cgroupsPath, createExecProcess, createRuntimeSpec, type SpecHost, type SpecInput } from './spec.ts';
import { runtimeFeatures } from './spec-host.ts';

const host: SpecHost = {
  capabilities: new Set(knownCapabilities),
  hardLimits: undefined,
  maskedPaths: ['/proc/kcore'],
  seccomp: {
    filter: (_choice, _capabilities, compiled) =>
      compiled
        ? { kind: 'bpf', base64: 'AAAA' }
        : { kind: 'profile', profile: { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] } },
  },
  apparmorProfile: undefined,
  defaultShmSize: 67108864,
  defaultUlimits: [],
  noNewPrivileges: false,
  initByDefault: false,
  findInit: () => '/usr/bin/docker-init',
  runtime: runtimeFeatures('crun', '1.8.1', '6.1.0'),
};

const root = { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' };

function generate(body: object, input: Partial<SpecInput> = {}, onHost: Partial<SpecHost> = {}): OciSpec {
  const request: ContainerCreateRequest = containerCreateRequest({ Hostname: 'h1', ...body }, '');
  const { HostConfig: hostConfig, ...config } = request;
  return createRuntimeSpec(
    {
      config,
      hostConfig,
      args: ['sleep', '60'],
      user: root,
      root: { kind: 'path', path: '/root-of-it' },
      mounts: [],
      files: { hosts: '/f/hosts', hostname: '/f/hostname', resolvConf: '/f/resolv.conf' },
      namespaces: { network: { kind: 'new' } },
      networkSysctlsWritten: false,
      cgroupsPath: '/docker/id',
      ...input,
    },
    { ...host, ...onHost },
  );
}

const mount: SpecMount = {
  type: 'bind',
  destination: '/d',
  source: '/tmp',
  readOnly: false,
  propagation: 'rprivate',
  nonRecursive: false,
  readOnlyNonRecursive: false,
  readOnlyForceRecursive: false,
  tmpfsOptions: [],
};

function mountLines(spec: OciSpec): string[] {
  return spec.mounts.map(({ destination, type, source, options }) =>
    [destination, type, source, options.join()].join(' '),
  );
}

test('spec: mounts and process as dockerd 20.10 writes them for the same options', () => {
  const spec = generate({
    HostConfig: { Init: true, Memory: 67108864, MemorySwap: 134217728, NanoCpus: 5e8, Tmpfs: { '/t': 'size=1m' } },
  });
  assert.deepEqual(mountLines(spec), [
    '/proc proc proc nosuid,noexec,nodev',
    '/dev tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k',
    '/dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5',
    '/sys sysfs sysfs nosuid,noexec,nodev,ro',
    '/sys/fs/cgroup cgroup cgroup ro,nosuid,noexec,nodev',
    '/dev/mqueue mqueue mqueue nosuid,noexec,nodev',
    '/dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=67108864',
    '/t tmpfs tmpfs noexec,nosuid,nodev,rprivate,size=1m',
    '/etc/resolv.conf bind /f/resolv.conf rbind,rprivate',
    '/etc/hostname bind /f/hostname rbind,rprivate',
    '/etc/hosts bind /f/hosts rbind,rprivate',
    '/sbin/docker-init bind /usr/bin/docker-init bind,ro',
  ]);
  assert.deepEqual(spec.process.args, ['/sbin/docker-init', '--', 'sleep', '60']);
  assert.deepEqual(spec.process.env, [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=h1',
    'HOME=/root',
  ]);
  const fourteen =
    'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SETFCAP ' +
    'CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE';
  assert.deepEqual(spec.process.capabilities.bounding, fourteen.split(' '));
  assert.deepEqual(spec.linux.resources.memory, { limit: 67108864, swap: 134217728 });
  assert.deepEqual(spec.linux.resources.cpu, { quota: 50000, period: 100000 });
  assert.equal(spec.linux.resources.devices?.length, 8);
  assert.deepEqual(spec.linux.namespaces.map(({ type }) => type).sort(), ['ipc', 'mount', 'network', 'pid', 'uts']);
  assert.deepEqual(spec.linux.sysctl, {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': '0 2147483647',
  });
});

describe('spec: mounts', () => {
  test('nested ones come after their parents, in the order given otherwise', () => {
    const destinations = ['/a/b/c', '/z', '/a', '/a/b'];
    const spec = generate(
      {},
      { mounts: destinations.map((destination) => ({ ...mount, destination })), files: undefined },
    );
    assert.deepEqual(
      spec.mounts.slice(7).map(({ destination }) => destination),
      ['/z', '/a', '/a/b', '/a/b/c'],
    );
  });

  const options: readonly [fields: Partial<SpecMount>, expected: string][] = [
    [{}, 'rbind,rprivate'],
    [{ readOnly: true }, 'rbind,rro,rprivate'],
    [{ readOnly: true, readOnlyNonRecursive: true }, 'rbind,ro,rprivate'],
    [{ nonRecursive: true }, 'bind,rprivate'],
    [
      { type: 'tmpfs', source: '', tmpfsOptions: ['exec', 'mode=1770', 'mode=700'] },
      'nosuid,nodev,rprivate,exec,mode=700',
    ],
  ];
  for (const [fields, expected] of options) {
    test(JSON.stringify(fields), () => {
      const spec = generate({}, { mounts: [{ ...mount, ...fields }] });
      assert.equal(spec.mounts.find(({ destination }) => destination === '/d')?.options.join(), expected);
    });
  }

  test('a mount of the user replaces what would be there', () => {
    const over = ['/dev/shm', '/etc/hosts', '/sys'].map((destination) => ({ ...mount, destination }));
    const lines = mountLines(generate({}, { mounts: over }));
    for (const { destination } of over) {
      assert.equal(lines.filter((line) => line.startsWith(`${destination} `)).length, 1);
    }
    const dev = mountLines(generate({}, { mounts: [{ ...mount, destination: '/dev' }] }));
    assert.deepEqual(
      dev.filter((line) => line.startsWith('/dev')),
      ['/dev bind /tmp rbind,rprivate'],
    );
  });

  test('a shared bind needs a shared source', () => {
    assert.throws(() => generate({}, { mounts: [{ ...mount, source: '/proc', propagation: 'rshared' }] }), {
      message: 'path /proc is mounted on /proc but it is not a shared mount',
    });
  });
});

test('spec: a privileged container', () => {
  const spec = generate({ HostConfig: { Privileged: true } });
  assert.equal(spec.process.capabilities.effective.length, 41);
  assert.equal(spec.annotations, undefined);
  assert.deepEqual(spec.linux.maskedPaths, []);
  assert.deepEqual(spec.linux.resources.devices, [{ allow: true, access: 'rwm' }]);
  assert.ok(spec.linux.devices?.some(({ path }) => path === '/dev/kmsg' || path === '/dev/null'));
  assert.ok(!mountLines(spec).some((line) => line.startsWith('/sys') && / (.*,)?ro\b/.test(line)));
});

test('spec: the filter goes to crun compiled, to runc as a profile, and to neither if unconfined', () => {
  assert.equal(generate({}).annotations?.['run.oci.seccomp_bpf_data'], 'AAAA');
  const runc = generate({}, {}, { runtime: runtimeFeatures('runc', '1.1.5+ds1', '6.1.0') });
  assert.equal(runc.annotations, undefined);
  assert.equal(runc.linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  const unconfined = generate({ HostConfig: { SecurityOpt: ['seccomp=unconfined', 'no-new-privileges'] } });
  assert.equal(unconfined.annotations, undefined);
  assert.equal(unconfined.process.noNewPrivileges, true);
});

test('spec: an annotation of the client cannot replace the filter', () => {
  const spec = generate({ HostConfig: { Annotations: { 'run.oci.seccomp_bpf_data': 'evil', a: 'b' } } });
  assert.deepEqual(spec.annotations, { 'run.oci.seccomp_bpf_data': 'AAAA', a: 'b' });
});

describe('spec: capabilities', () => {
  const rows: readonly [add: string[], drop: string[], count: number, has: string | undefined][] = [
    [['net_admin'], [], 15, 'CAP_NET_ADMIN'],
    [['ALL'], ['CAP_SYS_ADMIN'], 40, 'CAP_BPF'],
    [['chown'], ['all'], 1, 'CAP_CHOWN'],
    [[], ['mknod', 'chown'], 12, 'CAP_KILL'],
    [['ALL'], ['ALL'], 41, 'CAP_BPF'],
  ];
  for (const [CapAdd, CapDrop, count, has] of rows) {
    test(`+${CapAdd} -${CapDrop}`, () => {
      const { bounding } = generate({ HostConfig: { CapAdd, CapDrop } }).process.capabilities;
      assert.equal(bounding.length, count);
      if (has) assert.ok(bounding.includes(has));
    });
  }

  test('CVE-2022-24769: nothing is inheritable, so files with inheritable capabilities give none', () => {
    const { inheritable, ambient } = generate({ HostConfig: { CapAdd: ['ALL'] } }).process.capabilities;
    assert.deepEqual([inheritable, ambient], [undefined, undefined]);
  });

  test('others than root get them by exec only', () => {
    const { bounding, effective, permitted } = generate({}, { user: { ...root, uid: 7 } }).process.capabilities;
    assert.deepEqual([bounding.length, effective.length, permitted.length], [14, 0, 0]);
  });
});

test('spec: limits above what the engine may set are lowered, unlimited is written exactly', () => {
  const Ulimits = [
    { Name: 'nofile', Soft: 5000, Hard: 9000 },
    { Name: 'core', Soft: -1, Hard: -1 },
    { Name: 'nproc', Soft: -1, Hard: -1 },
  ];
  const spec = generate({ HostConfig: { Ulimits } }, {}, { hardLimits: { nofile: 4096, core: -1, nproc: 100 } });
  const text = serializeSpec(spec);
  assert.match(text, /"RLIMIT_NOFILE","soft":4096,"hard":4096/);
  assert.match(text, /"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615/);
  assert.match(text, /"RLIMIT_NPROC","soft":100,"hard":100/);
});

describe('spec: namespaces', () => {
  test('of the host are left out', () => {
    const modes = { NetworkMode: 'host', PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' };
    const spec = generate({ HostConfig: modes }, { namespaces: { network: { kind: 'host' } }, shmPath: '/dev/shm' });
    assert.deepEqual(spec.linux.namespaces, [{ type: 'mount' }]);
    assert.equal(spec.hostname, undefined);
    assert.equal(spec.linux.sysctl, undefined);
    assert.ok(mountLines(spec).includes('/dev/shm bind /dev/shm rbind,rprivate,nosuid,nodev'));
  });

  test('of others are joined', () => {
    const spec = generate(
      { HostConfig: { PidMode: 'container:a', CgroupnsMode: 'private' } },
      { namespaces: { network: { kind: 'path', path: '/n' }, pid: '/proc/1/ns/pid' }, networkSysctlsWritten: true },
    );
    assert.deepEqual(spec.linux.namespaces, [
      { type: 'mount' },
      { type: 'network', path: '/n' },
      { type: 'uts' },
      { type: 'pid', path: '/proc/1/ns/pid' },
      { type: 'ipc' },
      { type: 'cgroup' },
    ]);
    assert.equal(spec.linux.sysctl, undefined);
  });
});

test('spec: environment keeps its order, and an entry without a value removes', () => {
  const spec = generate({ Tty: true, Domainname: 'example.org', Env: ['A=1', 'PATH=/bin', 'TERM', 'HOME=/h', 'A=2'] });
  assert.deepEqual(spec.process.env, ['PATH=/bin', 'HOSTNAME=h1', 'A=2', 'HOME=/h']);
  assert.equal(spec.linux.sysctl?.['kernel.domainname'], 'example.org');
});

test('spec: the overlay as the first mount, where the runtime takes it', () => {
  const overlay = { lowerDirs: ['/l2', '/l1'], upperDir: '/u', workDir: '/w', volatile: true };
  const spec = generate({}, { root: { kind: 'overlay', path: '/empty', ...overlay } });
  assert.equal(mountLines(spec)[0], '/ overlay overlay lowerdir=/l2:/l1,upperdir=/u,workdir=/w,volatile');
});

test('spec: a cgroup parent cannot lead out', () => {
  const { HostConfig } = containerCreateRequest({ HostConfig: { CgroupParent: '../../x//./y/' } }, '');
  assert.equal(cgroupsPath(HostConfig, '/docker', 'id'), '/x/y/id');
  assert.equal(cgroupsPath({ ...HostConfig, CgroupParent: '' }, '/docker', 'id'), '/docker/id');
});

test('exec: the container with its own overrides; privileged adds all capabilities', () => {
  const request = containerCreateRequest({ Hostname: 'h1', Env: ['A=1', 'B=2'], WorkingDir: '/w' }, '');
  const { HostConfig: hostConfig, ...config } = request;
  const exec = {
    config,
    hostConfig,
    args: ['id'],
    env: ['B=3', 'C=4'],
    workingDir: '',
    tty: true,
    consoleSize: [24, 80] as const,
    user: root,
  };
  const plain = createExecProcess({ ...exec, privileged: false }, host);
  assert.deepEqual(plain.env.slice(1), ['HOSTNAME=h1', 'TERM=xterm', 'A=1', 'B=3', 'HOME=/root', 'C=4']);
  assert.equal(plain.cwd, '/w');
  assert.deepEqual(plain.consoleSize, { height: 24, width: 80 });
  assert.equal(plain.capabilities.bounding.length, 14);
  assert.equal(createExecProcess({ ...exec, privileged: true }, host).capabilities.bounding.length, 41);
});

for (const [name, version, trusts] of [
  ['crun', '1.8.1', false],
  ['runc', '1.1.5+ds1', true],
  ['runc', '1.2.7', true],
  ['runc', '1.2.8', false],
  ['runc', '1.3.2', true],
  ['runc', '1.3.3', false],
  ['runc', '1.4.0', false],
] as const) {
  test(`CVE-2025-31133: ${name} ${version} ${trusts ? 'gets no false /dev' : 'masks files by the right device'}`, () => {
    const runtime = runtimeFeatures(name, version, '6.1.0');
    const devices = { ...mount, destination: '/dev' };
    const make = (privileged: boolean) =>
      generate({ HostConfig: { Privileged: privileged } }, { mounts: [devices] }, { runtime });
    if (trusts) assert.throws(() => make(false), /CVE-2025-31133/);
    else assert.ok(make(false));
    assert.ok(make(true));
  });
}
