import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { useDaemon } from '../harness/fixture.ts';
import { dockerSince, target } from '../harness/target.ts';

const engine = useDaemon();

/** A kernel may be built without this one controller. */
function hasCpuset(): boolean {
  return /^cpuset\b/m.test(readFileSync('/proc/cgroups', 'utf8'));
}

describe('user', () => {
  for (const [name, User, expected] of [
    ['root by default', '', '0 0 0'],
    ['by name, with the groups of the image', 'user', '1000 1000 1000 2000 2001'],
    ['by number that has a name', '1000', '1000 1000 1000 2000 2001'],
    ['by number that has none', '4321', '4321 0 0'],
    ['with a group by name', 'user:extra', '1000 2000 2000'],
    ['with numbers', '1:2', '1 2 2'],
  ] as const) {
    test(name, async () => {
      const out = await engine.sh('echo $(id -u) $(id -g) $(id -G)', { User });
      assert.equal(out.stdout, `${expected}\n`);
    });
  }

  test('more groups by GroupAdd', async () => {
    const out = await engine.sh('id -G', { User: 'other', HostConfig: { GroupAdd: ['extra', '3000'] } });
    assert.deepEqual(out.stdout.trim().split(' ').toSorted(), ['1001', '2000', '2001', '3000']);
  });

  test('one that is not there is refused at start', async () => {
    const id = await engine.create({ User: 'ghost' });
    const answer = await engine.api('POST', `/containers/${id}/start`);
    assert.ok(answer.status >= 400);
    assert.match(answer.json.message, /unable to find user ghost: no matching entries in passwd file/);
    await engine.remove(id);
  });
});

describe('surroundings', () => {
  for (const [name, spec, script, stdout] of [
    [
      'PATH and HOME',
      {},
      'echo $HOME; echo $PATH',
      '/root\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n',
    ],
    ['HOME that was asked for', { Env: ['HOME=/x'] }, 'echo $HOME', '/x\n'],
    ['HOSTNAME', { Hostname: 'box' }, 'echo $HOSTNAME', 'box\n'],
    [
      'a working directory that is not there is made',
      { WorkingDir: '/made/here' },
      'pwd; stat -c %u /made/here',
      '/made/here\n0\n',
    ],
    ['pid 1 is the program', {}, 'echo $$', '1\n'],
    [
      '--init is pid 1 and reaps',
      { HostConfig: { Init: true } },
      'test $$ != 1 && echo child; (sleep 0.01 &) ; sleep 0.2; ps -o stat | grep -c Z',
      'child\n0\n',
    ],
    [
      'devices of every container',
      {},
      'for d in null zero full random urandom tty ptmx; do test -e /dev/$d || echo no $d; done; echo fine',
      'fine\n',
    ],
    ['/dev/shm of 64 MB', {}, 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2', '65536\n'],
    [
      '/dev/shm as asked',
      { HostConfig: { ShmSize: 2097152 } },
      'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2',
      '2048\n',
    ],
    ['stdin is empty unless opened', {}, 'cat; echo end', 'end\n'],
    [
      'standard streams can be opened again',
      {},
      'echo again > /dev/stdout; echo more > /proc/self/fd/1',
      'again\nmore\n',
    ],
    ['no descriptors of ours', {}, 'ls /proc/self/fd | wc -l', '4\n'],
    ['the umask', {}, 'umask', '0022\n'],
    ['domain name', { Domainname: 'd.test', Hostname: 'h' }, 'cat /proc/sys/kernel/domainname', 'd.test\n'],
  ] as const) {
    test(name, async () => {
      assert.equal((await engine.sh(script, spec)).stdout, stdout);
    });
  }
});

describe('signals', () => {
  for (const [script, code] of [
    ['kill -9 $$', 137],
    ['exit 300', 44],
    ['exit 255', 255],
  ] as const) {
    test(`"${script}" ends with ${code}`, async () => {
      assert.equal((await engine.sh(`sh -c '${script}'; exit $?`)).code, code);
    });
  }
});

describe('namespaces', () => {
  const namespace = async (id: string, name: string) =>
    (await engine.daemon.sandbox.run(['readlink', `/proc/${await pidInside(id)}/ns/${name}`])).stdout.trim();
  // The API's pid is the daemon's view, which is the sandbox's.
  const pidInside = async (id: string) => (await engine.inspect(id)).State.Pid;

  test('host modes share the host’s, private ones do not', async () => {
    const own = await engine.sleeping();
    const shared = await engine.sleeping({
      HostConfig: { PidMode: 'host', IpcMode: 'host', UTSMode: 'host', NetworkMode: 'host' },
    });
    for (const name of ['pid', 'ipc', 'uts', 'net', 'mnt']) {
      const host = (await engine.daemon.sandbox.run(['readlink', `/proc/1/ns/${name}`])).stdout.trim();
      assert.notEqual(await namespace(own, name), host, name);
      if (name !== 'mnt') assert.equal(await namespace(shared, name), host, name);
    }
    await engine.remove(own);
    await engine.remove(shared);
  });

  test('container: modes share another’s', async () => {
    const first = await engine.sleeping({ HostConfig: { IpcMode: 'shareable' } });
    const second = await engine.sleeping({
      HostConfig: { PidMode: `container:${first}`, IpcMode: `container:${first}`, NetworkMode: `container:${first}` },
    });
    for (const name of ['pid', 'ipc', 'net'])
      assert.equal(await namespace(second, name), await namespace(first, name), name);
    assert.equal((await engine.exec(first, ['touch', '/dev/shm/both'])).code, 0);
    assert.equal((await engine.exec(second, ['test', '-e', '/dev/shm/both'])).code, 0);
    await engine.remove(second);
    await engine.remove(first);
  });

  test('a private cgroup namespace shows no path above it', async () => {
    const out = await engine.sh('cut -d: -f3 /proc/self/cgroup | sort -u', { HostConfig: { CgroupnsMode: 'private' } });
    assert.equal(out.stdout, '/\n');
  });
});

describe('limits', () => {
  const file = (v1: string, v2: string) => `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;
  for (const [name, HostConfig, script, expected] of [
    ['memory', { Memory: 67108864 }, file('memory/memory.limit_in_bytes', 'memory.max'), /^67108864$/],
    [
      'memory reservation',
      { MemoryReservation: 33554432 },
      file('memory/memory.soft_limit_in_bytes', 'memory.low'),
      /^33554432$/,
    ],
    ['CPU shares', { CpuShares: 512 }, file('cpu/cpu.shares', 'cpu.weight'), /^(512|20)$/],
    ['CPUs', { NanoCpus: 500_000_000 }, `${file('cpu/cpu.cfs_quota_us', 'cpu.max')}`, /^50000( 100000)?$/],
    [
      'quota and period',
      { CpuQuota: 20000, CpuPeriod: 50000 },
      file('cpu/cpu.cfs_quota_us', 'cpu.max'),
      /^20000( 50000)?$/,
    ],
    ['CPU set', { CpusetCpus: '0' }, file('cpuset/cpuset.cpus', 'cpuset.cpus'), /^0$/],
    ['processes', { PidsLimit: 42 }, file('pids/pids.max', 'pids.max'), /^42$/],
    ['open files', { Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] }, 'ulimit -n; ulimit -Hn', /^100\n200$/],
    ['a sysctl', { Sysctls: { 'net.ipv4.ip_forward': '0' } }, 'cat /proc/sys/net/ipv4/ip_forward', /^0$/],
    ['score for the OOM killer', { OomScoreAdj: 300 }, 'cat /proc/self/oom_score_adj', /^300$/],
  ] as const) {
    test(name, { skip: name === 'CPU set' && !hasCpuset() && 'a kernel without cpuset' }, async () => {
      assert.match((await engine.sh(script, { HostConfig })).stdout.trim(), expected);
    });
  }

  test('memory is kept: the program is killed and the state says OOMKilled', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'x=a; while :; do x=$x$x; done'],
      HostConfig: { Memory: 16777216, MemorySwap: 16777216 },
    });
    assert.equal(await engine.wait(id), 137);
    assert.equal((await engine.inspect(id)).State.OOMKilled, true);
    await engine.remove(id);
  });

  test('processes are kept', async () => {
    const out = await engine.sh('for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all', {
      HostConfig: { PidsLimit: 4 },
    });
    assert.match(out.stderr, /can't fork/);
  });
});

describe('security', () => {
  const caps = (line: string) => `grep ^${line}: /proc/self/status | cut -f2`;
  for (const [name, spec, script, expected] of [
    ['Docker’s default capabilities', {}, caps('CapBnd'), /^00000000a80425fb$/],
    ['a user has none', { User: 'user' }, caps('CapEff'), /^0000000000000000$/],
    ['added', { HostConfig: { CapAdd: ['NET_ADMIN'] } }, caps('CapBnd'), /^00000000a80435fb$/],
    ['dropped', { HostConfig: { CapDrop: ['CHOWN'] } }, caps('CapBnd'), /^00000000a80425fa$/],
    [
      'all dropped but one',
      { HostConfig: { CapDrop: ['ALL'], CapAdd: ['CAP_KILL'] } },
      caps('CapBnd'),
      /^0000000000000020$/,
    ],
    ['a seccomp filter', {}, caps('Seccomp'), /^2$/],
    ['none when unconfined', { HostConfig: { SecurityOpt: ['seccomp=unconfined'] } }, caps('Seccomp'), /^0$/],
    ['new privileges are open by default', {}, caps('NoNewPrivs'), /^0$/],
    ['no-new-privileges', { HostConfig: { SecurityOpt: ['no-new-privileges'] } }, caps('NoNewPrivs'), /^1$/],
    [
      'masked paths',
      {},
      'cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v : | tr -d "\\n" | wc -c',
      /^0\n0$/,
    ],
    ['read-only paths', {}, 'echo 1 > /proc/sys/kernel/panic || echo refused', /refused$/],
    [
      'a read-only root',
      { HostConfig: { ReadonlyRootfs: true } },
      'touch /x || echo refused; touch /dev/shm/x && echo shm',
      /refused\nshm$/,
    ],
    ['no mount', {}, 'mount -t tmpfs t /mnt 2>&1 || echo refused', /refused$/],
    ['no new user namespace', {}, 'unshare -U true 2>&1 || echo refused', /refused$/],
    ['/sys is read-only', {}, 'grep " /sys " /proc/mounts | grep -c " ro,"', /^1$/],
    [
      'a device',
      {
        HostConfig: { Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/mine', CgroupPermissions: 'rwm' }] },
      },
      'echo x > /dev/mine && echo wrote',
      /^wrote$/,
    ],
    ['other devices are kept out', {}, 'mknod /root/d c 1 1 && head -c1 /root/d 2>&1 | grep -c "not permitted"', /^1$/],
  ] as const) {
    test(name, async () => {
      assert.match((await engine.sh(script, spec)).stdout.trim(), expected);
    });
  }

  // Where the machine holds a capability back, runc of dockerd's time gives up.
  const heldBack = target === 'docker' && !mayDoAll() && 'the machine holds capabilities back';
  for (const [name, spec, script, expected] of [
    [
      'privileged: every capability, no filter',
      { HostConfig: { Privileged: true } },
      `${caps('Seccomp')}; mkdir -p /mnt; mount -t tmpfs t /mnt && echo mounted`,
      /^0\nmounted$/,
    ],
    [
      'privileged: the devices of the host',
      { HostConfig: { Privileged: true } },
      'test -e /dev/loop-control -o -e /dev/kmsg && echo there',
      /^there$/,
    ],
  ] as const) {
    test(name, { skip: heldBack }, async () => {
      assert.match((await engine.sh(script, spec)).stdout.trim(), expected);
    });
  }

  test('a seccomp profile of one’s own', async () => {
    const profile = JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
    });
    const out = await engine.sh('mkdir /x || echo refused', { HostConfig: { SecurityOpt: [`seccomp=${profile}`] } });
    assert.equal(out.stdout, 'refused\n');
  });
});

describe('restart policies', () => {
  const until = async (id: string, done: (state: { RestartCount: number; State: { Status: string } }) => boolean) => {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline; ) {
      const state = await engine.inspect(id);
      if (done(state)) return state;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the state was not reached');
  };

  test('on-failure tries so many times', async () => {
    const id = await engine.started({
      Cmd: ['false'],
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
    });
    const state = await until(id, (now) => now.RestartCount === 2 && now.State.Status === 'exited');
    assert.equal(state.State.ExitCode, 1);
    await engine.remove(id);
  });

  test('on-failure leaves success alone', async () => {
    const id = await engine.started({ Cmd: ['true'], HostConfig: { RestartPolicy: { Name: 'on-failure' } } });
    await engine.wait(id);
    assert.equal((await until(id, (now) => now.State.Status === 'exited')).RestartCount, 0);
    await engine.remove(id);
  });

  test('always starts again, until it is stopped', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'sleep 0.05'],
      HostConfig: { RestartPolicy: { Name: 'always' } },
    });
    await until(id, (now) => now.RestartCount >= 2);
    await engine.api('POST', `/containers/${id}/stop?t=0`);
    assert.equal((await engine.inspect(id)).State.Status, 'exited');
    await engine.remove(id);
  });
});

test('an image without a command needs one', async () => {
  await engine.load(busyboxImage('bare:latest', { Cmd: null }));
  const answer = await engine.api('POST', '/containers/create', { Image: 'bare' });
  assert.equal(answer.status, 400);
  assert.match(answer.json.message, /^[Nn]o command specified$/);
  await engine.api('DELETE', '/images/bare');
});

test('annotations are kept', dockerSince('24.0'), async () => {
  const id = await engine.create({ HostConfig: { Annotations: { 'org.example.a': 'b' } } });
  assert.deepEqual((await engine.inspect(id)).HostConfig.Annotations, { 'org.example.a': 'b' });
  await engine.remove(id);
});

function mayDoAll(): boolean {
  const [, bounding] = /^CapBnd:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  return BigInt(`0x${bounding}`) === (1n << BigInt(last + 1)) - 1n;
}
