import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containerCreateRequest } from '@wharf/api/decode/container';
import { knownCapabilities } from '@wharf/runtime/spec/capabilities';
import { type CreateDefaults, type ValidatedCreate, validateCreate } from './create.ts';
import type { HostFacts } from './host-facts.ts';

const facts: HostFacts = {
  cgroupVersion: 1,
  cpus: 2,
  cpusetCpus: '0-1',
  cpusetMems: '0',
  memoryLimit: true,
  swapLimit: true,
  memoryReservation: true,
  memorySwappiness: true,
  oomKillDisable: true,
  pidsLimit: true,
  cpuCfs: true,
  cpuShares: true,
  cpuRealtime: false,
  cpuset: true,
  blkioWeight: true,
  blkioWeightDevice: true,
  blkioThrottle: true,
  cgroupNamespaces: true,
  ipv4Forwarding: true,
  apparmor: false,
  seccomp: true,
  capabilities: new Set(knownCapabilities.filter((name) => name !== 'CAP_SYS_RESOURCE')),
  maskedPaths: ['/proc/kcore'],
};

const defaults: CreateDefaults = {
  runtime: 'runc',
  runtimes: new Set(['runc']),
  shmSize: 67108864,
  ipcMode: 'private',
  cgroupnsMode: undefined,
  remapped: false,
  logConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
};

function create(body: object, host: Partial<HostFacts> = {}): ValidatedCreate {
  const request = containerCreateRequest({ Image: 'x', ...body }, '');
  return validateCreate(request, { ...facts, ...host }, defaults);
}

describe('create: refused as dockerd refuses it', () => {
  const mount = (fields: object) => ({ Mounts: [{ Target: '/x', ...fields }] });
  const rows: readonly [host: object, message: string, config?: object][] = [
    [{ CapAdd: ['FOO'] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    [{ CapDrop: ['cap_bar'] }, 'invalid CapDrop: unknown capability: "CAP_BAR"'],
    [
      { CapAdd: ['SYS_RESOURCE'] },
      'invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"',
    ],
    [{ Memory: 100 }, 'Minimum memory limit allowed is 6MB'],
    [{ Memory: -5 }, 'Minimum memory limit allowed is 6MB'],
    [{ MemorySwap: 10 }, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
    [{ Memory: 7e6, MemorySwap: 10 }, 'Minimum memoryswap limit should be larger than memory limit, see usage'],
    [{ MemorySwappiness: 200 }, 'Invalid value: 200, valid memory swappiness range is 0-100'],
    [{ MemoryReservation: 10 }, 'Minimum memory reservation allowed is 6MB'],
    [
      { Memory: 7e6, MemoryReservation: 8e6 },
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    ],
    [{ NanoCpus: 3e9 }, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
    [{ NanoCpus: -1 }, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
    [{ NanoCpus: 1e9, CpuQuota: 1000 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
    [{ CpuShares: -1 }, 'shares: invalid argument'],
    [{ CpuPeriod: 10 }, 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'],
    [{ CpuQuota: 10 }, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [{ CpusetCpus: '9' }, 'Requested CPUs are not available - requested 9, available: 0-1'],
    [{ CpusetCpus: 'x' }, 'Invalid value x for cpuset cpus: invalid format: x'],
    [{ CpusetCpus: '1-0' }, 'Invalid value 1-0 for cpuset cpus: invalid format: 1-0'],
    [{ CpusetMems: '5' }, 'Requested memory nodes are not available - requested 5, available: 0'],
    [{ BlkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
    [{ IOMaximumIOps: 5 }, 'Invalid QoS settings: linux does not support configuration of maximum IOPs'],
    [{ OomScoreAdj: 2000 }, 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
    [{ ShmSize: -1 }, 'SHM size can not be less than 0'],
    [{ SecurityOpt: ['foo'] }, 'invalid --security-opt 1: "foo"'],
    [{ SecurityOpt: ['foo=bar'] }, 'invalid --security-opt 2: "foo=bar"'],
    [{ SecurityOpt: ['no-new-privileges=x'] }, 'invalid --security-opt 2: "no-new-privileges=x"'],
    [{ SecurityOpt: ['seccomp={"defaultAction":"X"}'] }, 'Decoding seccomp profile failed: unknown action "X"'],
    [
      { RestartPolicy: { Name: 'foo' } },
      "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
    [
      { RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } },
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    ],
    [
      { AutoRemove: true, RestartPolicy: { Name: 'always' } },
      "can't create 'AutoRemove' container with restart policy",
    ],
    [
      mount({ Type: 'bind', Source: '/nope' }),
      'invalid mount config for type "bind": bind source path does not exist: /nope',
    ],
    [
      mount({ Type: 'bind', Source: 'x' }),
      'invalid mount config for type "bind": invalid mount path: \'x\' mount path must be absolute',
    ],
    [
      mount({ Type: 'bind', Source: '/tmp', Target: '/' }),
      "invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
    ],
    [
      mount({ Type: 'bind', Source: '/tmp', BindOptions: { Propagation: 'foo' } }),
      'invalid mount config for type "bind": invalid propagation mode: foo',
    ],
    [
      mount({ Type: 'tmpfs', Source: 'y' }),
      'invalid mount config for type "tmpfs": field Source must not be specified',
    ],
    [
      mount({ Type: 'volume', ReadOnly: true }),
      'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes',
    ],
    [
      mount({ Type: 'volume', BindOptions: {} }),
      'invalid mount config for type "volume": field BindOptions must not be specified',
    ],
    [
      mount({ Type: 'volume', Source: 'v', VolumeOptions: { Subpath: '../x' } }),
      'invalid mount config for type "volume": subpath must be a relative path within the volume',
    ],
    [{ Tmpfs: { '/': '' } }, "invalid specification: destination can't be '/'"],
    [{ Tmpfs: { x: '' } }, "invalid mount path: 'x' mount path must be absolute"],
    [{ Tmpfs: { '/x': 'foo' } }, 'invalid tmpfs option ["foo"]'],
    [{ Tmpfs: { '/x': 'foo=1' } }, 'invalid tmpfs option ["foo" "1"]'],
    [{ PortBindings: { 'foo/tcp': [] } }, 'invalid port specification: "foo"'],
    [{ PortBindings: { '80/tcp': [{ HostPort: '99999' }] } }, 'invalid port specification: "99999"'],
    [{ LogConfig: { Type: 'foo' } }, 'error looking up logging plugin foo: plugin "foo" not found'],
    [{ LogConfig: { Type: 'json-file', Config: { foo: '1' } } }, "unknown log opt 'foo' for json-file log driver"],
    [{ LogConfig: { Type: 'json-file', Config: { mode: 'x' } } }, 'logger: logging mode not supported: x'],
    [
      { LogConfig: { Type: 'json-file', Config: { compress: 'true' } } },
      'compress cannot be true when max-file is less than 2 or max-size is not set',
    ],
    [{ Isolation: 'foo' }, 'Invalid isolation: "foo" - linux only supports \'default\''],
    [{ IpcMode: 'foo' }, 'invalid IPC mode: foo'],
    [{ PidMode: 'container:' }, 'invalid PID mode: container:'],
    [{ UTSMode: 'foo' }, 'invalid UTS mode: foo'],
    [{ CgroupnsMode: 'foo' }, 'invalid cgroup namespace mode: foo'],
    [{ Runtime: 'foo' }, 'unknown or invalid runtime name: foo'],
    [{ UTSMode: 'host' }, 'conflicting options: hostname and the UTS mode', { Hostname: 'x' }],
    [{ NetworkMode: 'container:a' }, 'conflicting options: hostname and the network mode', { Hostname: 'x' }],
    [{ NetworkMode: 'container:a', Dns: ['1.1.1.1'] }, 'conflicting options: dns and the network mode'],
    [
      { NetworkMode: 'container:a', PublishAllPorts: true },
      'conflicting options: port publishing and the container type network mode',
    ],
    [
      { NetworkMode: 'host', Links: ['a:b'] },
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    ],
    [{ ExtraHosts: ['x'] }, 'bad format for add-host: "x"'],
    [{ ExtraHosts: ['x:y'] }, 'invalid IP address in add-host: "y"'],
    [{ DeviceCgroupRules: ['foo'] }, "invalid device cgroup rule format: 'foo'"],
    [{ StorageOpt: { inodes: '1' } }, 'unknown option inodes'],
    [{ StorageOpt: { size: 'much' } }, "invalid size: 'much'"],
    [{ Sysctls: { 'kernel.foo': '1' } }, 'sysctl "kernel.foo" is not in a separate kernel namespace'],
    [{ Sysctls: { 'net/../kernel/x': '1' } }, 'sysctl "net/../kernel/x" is not in a separate kernel namespace'],
    [
      { Sysctls: { 'net.ipv4.ip_forward': '1' }, NetworkMode: 'host' },
      'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
    ],
    [
      { Sysctls: { 'kernel.shmmax': '1' }, IpcMode: 'host' },
      'sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace',
    ],
    [{ UsernsMode: 'private' }, 'invalid user namespace mode: private'],
    [{ Ulimits: [{ Name: 'foo', Soft: 1, Hard: 1 }] }, 'invalid ulimit type: foo'],
    [
      { Ulimits: [{ Name: 'nofile', Soft: 5, Hard: 1 }] },
      'ulimit soft limit must be less than or equal to hard limit: 5 > 1',
    ],
    [{}, "the working directory 'x' is invalid, it needs to be an absolute path", { WorkingDir: 'x' }],
    [{}, 'invalid signal: FOO', { StopSignal: 'FOO' }],
    [{}, 'invalid environment variable: =a', { Env: ['=a'] }],
    [{}, 'Interval in Healthcheck cannot be less than 1ms', { Healthcheck: { Interval: 5 } }],
    [{}, 'Retries in Healthcheck cannot be negative', { Healthcheck: { Retries: -1 } }],
  ];
  for (const [hostConfig, message, config] of rows) {
    test(`${JSON.stringify({ ...config, ...hostConfig })}`, () => {
      assert.throws(() => create({ ...config, HostConfig: hostConfig }), { code: 'invalid_argument', message });
    });
  }

  const unsupported: readonly object[] = [{ DeviceRequests: [{ Count: -1 }] }, { LogConfig: { Type: 'splunk' } }];
  for (const hostConfig of unsupported) {
    test(`501: ${JSON.stringify(hostConfig)}`, () => {
      assert.throws(() => create({ HostConfig: hostConfig }), { code: 'not_implemented' });
    });
  }
});

describe('create: what the kernel cannot do is dropped with a warning', () => {
  test('no swap accounting', () => {
    const { request, warnings } = create({ HostConfig: { Memory: 7e6 } }, { swapLimit: false });
    assert.equal(request.HostConfig.MemorySwap, -1);
    assert.deepEqual(warnings, [
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
    ]);
  });

  test('no block I/O weight', () => {
    const { request, warnings } = create({ HostConfig: { BlkioWeight: 500 } }, { blkioWeight: false });
    assert.equal(request.HostConfig.BlkioWeight, 0);
    assert.deepEqual(warnings, [
      'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    ]);
  });

  test('OomKillDisable on cgroup v2', () => {
    const { request, warnings } = create({ HostConfig: { OomKillDisable: true } }, { oomKillDisable: false });
    assert.equal(request.HostConfig.OomKillDisable, false);
    assert.deepEqual(warnings, ['Your kernel does not support OomKillDisable. OomKillDisable discarded.']);
  });

  test('ports on the host network', () => {
    const { warnings } = create({
      HostConfig: { NetworkMode: 'host', PortBindings: { '80/tcp': [{ HostPort: '80' }] } },
    });
    assert.deepEqual(warnings, ['Published ports are discarded when using host network mode']);
  });
});

describe('create: defaults', () => {
  test('of a plain request', () => {
    const { request, warnings } = create({ HostConfig: {}, WorkingDir: '/a/../b/' });
    const { HostConfig } = request;
    assert.deepEqual(warnings, []);
    assert.equal(request.WorkingDir, '/b');
    assert.equal(HostConfig.NetworkMode, 'bridge');
    assert.equal(HostConfig.ShmSize, 67108864);
    assert.equal(HostConfig.IpcMode, 'private');
    assert.equal(HostConfig.CgroupnsMode, 'host');
    assert.equal(HostConfig.RestartPolicy.Name, 'no');
    assert.deepEqual(HostConfig.LogConfig, { Type: 'json-file', Config: { 'max-size': '1m' } });
    assert.deepEqual(HostConfig.MaskedPaths, ['/proc/kcore']);
  });

  test('cgroup v2 gives a private cgroup namespace, also to the privileged', () => {
    const { request } = create({ HostConfig: { Privileged: true } }, { cgroupVersion: 2 });
    assert.equal(request.HostConfig.CgroupnsMode, 'private');
    assert.equal(request.HostConfig.MaskedPaths, null);
    assert.deepEqual(request.HostConfig.SecurityOpt, ['label=disable']);
  });

  test('shares are brought into the range of the kernel, swap is twice the memory', () => {
    const { request } = create({ HostConfig: { CpuShares: 1, Memory: 7e6 } });
    assert.equal(request.HostConfig.CpuShares, 2);
    assert.equal(request.HostConfig.MemorySwap, 14e6);
  });
});
