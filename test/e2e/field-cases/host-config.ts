import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig, Resources } from '@wharf/api/container';
import type { Fixture } from '../../harness/fixture.ts';
import { dockerSince, target } from '../../harness/target.ts';
import { type FieldCase, inside, onTerminal, refused, refusedAtStart, seen, shown } from './field-case.ts';

const caps = (line: string) => `grep ^${line}: /proc/self/status | cut -f2`;
const hasAppArmor = existsSync('/sys/kernel/security/apparmor');

/** Every field of `HostConfig` that is no limit. */
export const hostConfigCases: Record<Exclude<keyof HostConfig, keyof Resources>, readonly FieldCase[]> = {
  Binds: [
    seen('a path of the host', async (engine) => {
      const path = hostDirectory(engine, 'bound');
      writeFileSync(join(path, 'f'), 'host');
      assert.equal((await engine.sh('cat /m/f', { HostConfig: { Binds: [`${path}:/m:ro`] } })).stdout, 'host');
    }),
    refused('a bad one', { HostConfig: { Binds: ['/a:/b:what'] } }, 400, /invalid mode: what/),
    refused('onto the root', { HostConfig: { Binds: ['/etc:/'] } }, 400, /destination can't be '\/'/),
  ],
  ContainerIDFile: [
    shown('is kept', { HostConfig: { ContainerIDFile: '/x' } }, (c) => c.HostConfig.ContainerIDFile, '/x'),
  ],
  LogConfig: [
    seen('none keeps nothing', async (engine) => {
      const id = await engine.started({ Cmd: ['echo', 'x'], HostConfig: { LogConfig: { Type: 'none', Config: {} } } });
      await engine.wait(id);
      const answer = await engine.api('GET', `/containers/${id}/logs?stdout=1`);
      assert.match(answer.text, /configured logging driver does not support reading/);
      await engine.remove(id);
    }),
    refused('an unknown driver', { HostConfig: { LogConfig: { Type: 'nowhere', Config: {} } } }, 400, /nowhere/, {
      skip: target === 'docker' && 'found at start there',
    }),
  ],
  NetworkMode: [
    inside('none', { HostConfig: { NetworkMode: 'none' } }, 'ls /sys/class/net | grep -vc "^lo$"', '0'),
    refused(
      'a bad one',
      { HostConfig: { NetworkMode: 'container:' } },
      400,
      /invalid container format|invalid network mode/i,
    ),
  ],
  PortBindings: [
    seen('publishes', async (engine) => {
      const id = await engine.sleeping({
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
      });
      const [binding] = (await engine.inspect(id)).NetworkSettings.Ports['80/tcp'];
      await engine.remove(id);
      assert.equal(binding.HostIp, '127.0.0.1');
      assert.ok(Number(binding.HostPort) > 0);
    }),
    refused(
      'a bad port',
      { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 'x' }] } } },
      400,
      /invalid port specification: "x"/,
    ),
  ],
  RestartPolicy: [
    seen('starts it again', async (engine) => {
      const id = await engine.started({
        Cmd: ['sh', '-c', 'echo run; exit 1'],
        HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } },
      });
      await engine.wait(id, 'not-running');
      for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
        const { State, RestartCount } = await engine.inspect(id);
        if (RestartCount === 1 && State.Status === 'exited') break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal((await engine.logs(id)).stdout, 'run\nrun\n');
      await engine.remove(id);
    }),
    refused('an unknown one', { HostConfig: { RestartPolicy: { Name: 'x' } } }, 400, /invalid restart policy/),
  ],
  AutoRemove: [
    seen('is gone when it has ended', async (engine) => {
      const id = await engine.create({ Cmd: ['true'], HostConfig: { AutoRemove: true } });
      const removed = engine.wait(id, 'removed');
      await engine.start(id);
      await removed;
      assert.equal((await engine.api('GET', `/containers/${id}/json`)).status, 404);
    }),
    refused(
      'with a restart policy',
      { HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } },
      400,
      /can't create 'AutoRemove' container with restart policy/,
    ),
  ],
  VolumeDriver: [
    seen('makes the volumes that -v names', async (engine) => {
      const id = await engine.create({ HostConfig: { Binds: ['driven:/v'], VolumeDriver: 'local' } });
      assert.equal((await engine.inspect(id)).Mounts[0].Driver, 'local');
      await engine.remove(id);
      await engine.api('DELETE', '/volumes/driven');
    }),
    refused(
      'one that is not there',
      { HostConfig: { Binds: ['x:/v'], VolumeDriver: 'nowhere' } },
      404,
      /plugin "nowhere" not found/,
    ),
  ],
  VolumesFrom: [
    seen('the mounts of another, read-only', async (engine) => {
      const first = await engine.create({ HostConfig: { Binds: ['lent:/lent'] } });
      const { stdout } = await engine.sh('touch /lent/x 2>/dev/null || echo refused', {
        HostConfig: { VolumesFrom: [`${first}:ro`] },
      });
      assert.equal(stdout, 'refused\n');
      await engine.remove(first);
      await engine.api('DELETE', '/volumes/lent');
    }),
    refused(
      'of none',
      { HostConfig: { VolumesFrom: ['nobody'] } },
      target === 'docker' ? 404 : 400,
      /No such container: nobody/,
    ),
  ],
  ConsoleSize: [
    seen(
      'the terminal’s',
      async (engine) => {
        assert.equal(await onTerminal(engine, 'stty size', { HostConfig: { ConsoleSize: [33, 77] } }), '33 77');
      },
      dockerSince('23.0'),
    ),
  ],
  Annotations: [
    shown(
      'are kept',
      { HostConfig: { Annotations: { 'org.example.a': 'b' } } },
      (c) => c.HostConfig.Annotations,
      { 'org.example.a': 'b' },
      dockerSince('24.0'),
    ),
    seen(
      'reach the OCI runtime',
      async (engine) => {
        const id = await engine.sleeping({ HostConfig: { Annotations: { 'org.example.a': 'b' } } });
        const bundle = join(engine.daemon.execRoot, 'bundles', id, 'config.json');
        const { stdout } = await engine.daemon.sandbox.run(['cat', bundle]);
        await engine.remove(id);
        assert.equal(JSON.parse(stdout).annotations['org.example.a'], 'b');
      },
      { skip: target === 'docker' && 'looks into the bundle of ours' },
    ),
    refused(
      'without a name',
      { HostConfig: { Annotations: { '': 'x' } } },
      400,
      /the empty string is not permitted as an annotation key/,
      dockerSince('24.0'),
    ),
  ],
  CapAdd: [
    inside('added', { HostConfig: { CapAdd: ['net_admin'] } }, caps('CapEff'), '00000000a80435fb'),
    refused('unknown', { HostConfig: { CapAdd: ['CAP_X'] } }, 400, /invalid CapAdd: unknown capability: "CAP_X"/),
  ],
  CapDrop: [
    inside('dropped', { HostConfig: { CapDrop: ['ALL'] } }, caps('CapBnd'), '0000000000000000'),
    refused('unknown', { HostConfig: { CapDrop: ['Y'] } }, 400, /invalid CapDrop: unknown capability: "CAP_Y"/),
  ],
  CgroupnsMode: [
    inside(
      'private: nothing above it',
      { HostConfig: { CgroupnsMode: 'private' } },
      'cut -d: -f3 /proc/self/cgroup | sort -u',
      '/',
    ),
    inside('host', { HostConfig: { CgroupnsMode: 'host' } }, 'grep -c /wharf-test /proc/self/cgroup', /^[1-9]/),
    refused('unknown', { HostConfig: { CgroupnsMode: 'x' } }, 400, /invalid cgroup namespace mode: x/),
  ],
  Dns: [
    inside('servers', { HostConfig: { Dns: ['10.9.9.9'] } }, 'grep nameserver /etc/resolv.conf', 'nameserver 10.9.9.9'),
  ],
  DnsOptions: [
    inside('options', { HostConfig: { DnsOptions: ['ndots:3'] } }, 'grep options /etc/resolv.conf', /ndots:3/),
  ],
  DnsSearch: [
    inside('domains', { HostConfig: { DnsSearch: ['s.test'] } }, 'grep search /etc/resolv.conf', 'search s.test'),
  ],
  ExtraHosts: [
    inside('names', { HostConfig: { ExtraHosts: ['friend:10.1.2.3'] } }, 'grep friend /etc/hosts', '10.1.2.3\tfriend'),
    inside('the host', { HostConfig: { ExtraHosts: ['out:host-gateway'] } }, 'grep out$ /etc/hosts', /^[\d.]+\tout$/),
    refused('no address', { HostConfig: { ExtraHosts: ['x'] } }, 400, /bad format for add-host: "x"/),
  ],
  GroupAdd: [
    inside('by name and number', { HostConfig: { GroupAdd: ['extra', '3000'] } }, 'id -G', '0 2000 3000'),
    refusedAtStart('one that is not there', { HostConfig: { GroupAdd: ['ghosts'] } }, /Unable to find group ghosts/i),
  ],
  IpcMode: [
    inside('none has no /dev/shm', { HostConfig: { IpcMode: 'none' } }, 'grep -c " /dev/shm " /proc/mounts', '0'),
    inside('private has its own', { HostConfig: { IpcMode: 'private' } }, 'grep -c " /dev/shm " /proc/mounts', '1'),
    seen('shareable is joined by another', async (engine) => {
      const first = await engine.sleeping({ HostConfig: { IpcMode: 'shareable' } });
      await engine.exec(first, ['touch', '/dev/shm/both']);
      const { stdout } = await engine.sh('ls /dev/shm', { HostConfig: { IpcMode: `container:${first}` } });
      await engine.remove(first);
      assert.equal(stdout, 'both\n');
    }),
    seen('private is not', async (engine) => {
      const first = await engine.sleeping({ HostConfig: { IpcMode: 'private' } });
      const id = await engine.create({ HostConfig: { IpcMode: `container:${first}` } });
      const answer = await engine.api('POST', `/containers/${id}/start`);
      await engine.remove(id);
      await engine.remove(first);
      assert.match(answer.json.message, /non-shareable IPC/);
    }),
    refused('unknown', { HostConfig: { IpcMode: 'x' } }, 400, /invalid IPC mode: x/i, dockerSince('25.0')),
  ],
  Cgroup: [
    refused('is not supported', { HostConfig: { Cgroup: 'container:x' } }, 501, /HostConfig.Cgroup/, {
      skip: target === 'docker' && 'ignored there',
    }),
  ],
  Links: [
    seen('give a name and variables', async (engine) => {
      const server = await engine.sleeping(
        { ExposedPorts: { '80/tcp': {}, '90/udp': {} }, Env: ['SECRET=s', 'HOME=/x'] },
        'linked-server',
      );
      const { IPAddress } = (await engine.inspect(server)).NetworkSettings.Networks.bridge;
      const id = await engine.create(
        { Cmd: ['env'], HostConfig: { Links: ['linked-server:web-1'] } },
        'linking-client',
      );
      await engine.start(id);
      await engine.wait(id);
      const lines = (await engine.logs(id)).stdout.split('\n').filter((line) => line.startsWith('WEB_1_'));
      await engine.remove(id);
      await engine.remove(server);
      assert.deepEqual(
        lines.toSorted(),
        [
          `WEB_1_PORT=tcp://${IPAddress}:80`,
          `WEB_1_PORT_80_TCP=tcp://${IPAddress}:80`,
          `WEB_1_PORT_80_TCP_ADDR=${IPAddress}`,
          'WEB_1_PORT_80_TCP_PORT=80',
          'WEB_1_PORT_80_TCP_PROTO=tcp',
          `WEB_1_PORT_90_UDP=udp://${IPAddress}:90`,
          `WEB_1_PORT_90_UDP_ADDR=${IPAddress}`,
          'WEB_1_PORT_90_UDP_PORT=90',
          'WEB_1_PORT_90_UDP_PROTO=udp',
          'WEB_1_NAME=/linking-client/web-1',
          'WEB_1_ENV_SECRET=s',
        ].toSorted(),
      );
    }),
    seen('are removed alone', async (engine) => {
      const server = await engine.sleeping({}, 'one-server');
      const id = await engine.create(
        { Cmd: ['cat', '/etc/hosts'], HostConfig: { Links: ['one-server:gone'] } },
        'one-client',
      );
      assert.deepEqual((await engine.inspect(id)).HostConfig.Links, ['/one-server:/one-client/gone']);
      const answer = await engine.api('DELETE', '/containers/one-client/gone?link=1');
      assert.equal(answer.status, 204, answer.text);
      assert.equal((await engine.inspect(id)).HostConfig.Links, null);
      await engine.start(id);
      await engine.wait(id);
      assert.doesNotMatch((await engine.logs(id)).stdout, /gone/);
      await engine.remove(id);
      await engine.remove(server);
    }),
    refused('to none', { HostConfig: { Links: ['nobody:x'] } }, 400, /could not get container for nobody/i),
  ],
  OomScoreAdj: [
    inside('is set', { HostConfig: { OomScoreAdj: 300 } }, 'cat /proc/self/oom_score_adj', '300'),
    refused('out of range', { HostConfig: { OomScoreAdj: 2000 } }, 400, /range for oom score adj is \[-1000, 1000\]/),
  ],
  PidMode: [
    inside('host', { HostConfig: { PidMode: 'host' } }, 'test $$ -gt 1 && echo other', 'other'),
    seen('another container’s', async (engine) => {
      const first = await engine.sleeping({ Cmd: ['sleep', '1234'] });
      const { stdout } = await engine.sh('ps -o args | grep -c "[s]leep 1234"', {
        HostConfig: { PidMode: `container:${first}` },
      });
      await engine.remove(first);
      assert.equal(stdout, '1\n');
    }),
    refused('unknown', { HostConfig: { PidMode: 'x' } }, 400, /invalid PID mode: x/i, dockerSince('25.0')),
  ],
  Privileged: [
    inside(
      'no filter, no masks',
      { HostConfig: { Privileged: true } },
      `${caps('Seccomp')}; grep -c " /proc/sys " /proc/mounts; grep " /sys " /proc/mounts | grep -c " rw"`,
      '0\n0\n1',
      { skip: target === 'docker' && 'needs every capability there' },
    ),
  ],
  PublishAllPorts: [
    seen('publishes what is exposed', async (engine) => {
      const id = await engine.sleeping({ ExposedPorts: { '80/tcp': {} }, HostConfig: { PublishAllPorts: true } });
      const { Ports } = (await engine.inspect(id)).NetworkSettings;
      await engine.remove(id);
      assert.ok(Number(Ports['80/tcp'][0].HostPort) > 0);
    }),
  ],
  ReadonlyRootfs: [
    inside(
      'cannot be written',
      { HostConfig: { ReadonlyRootfs: true } },
      'touch /x 2>/dev/null || echo refused; echo x >> /etc/hosts 2>/dev/null || echo refused',
      /refused/,
    ),
  ],
  SecurityOpt: [
    inside('no-new-privileges', { HostConfig: { SecurityOpt: ['no-new-privileges'] } }, caps('NoNewPrivs'), '1'),
    inside(
      'no-new-privileges=false',
      { HostConfig: { SecurityOpt: ['no-new-privileges=false'] } },
      caps('NoNewPrivs'),
      '0',
    ),
    inside('seccomp=unconfined', { HostConfig: { SecurityOpt: ['seccomp=unconfined'] } }, caps('Seccomp'), '0'),
    inside(
      'seccomp=builtin',
      { HostConfig: { SecurityOpt: ['seccomp=builtin'] } },
      caps('Seccomp'),
      '2',
      dockerSince('25.0'),
    ),
    inside(
      'a profile with conditions',
      { HostConfig: { CapAdd: ['NET_ADMIN'], SecurityOpt: [`seccomp=${conditionalProfile()}`] } },
      'mkdir /a 2>/dev/null && echo a; rmdir /a 2>/dev/null || echo kept; sync && echo sync',
      'a\nkept\nsync',
    ),
    refused(
      'a profile that is none',
      { HostConfig: { SecurityOpt: ['seccomp={"defaultAction":'] } },
      400,
      /[Dd]ecoding seccomp profile failed/,
      { skip: target === 'docker' && 'found at start there' },
    ),
    inside(
      'systempaths=unconfined',
      { HostConfig: { SecurityOpt: ['systempaths=unconfined'] } },
      'grep -c " /proc/\\|/sys/firmware" /proc/mounts',
      '0',
      dockerSince('28.0'),
    ),
    inside(
      'writable-cgroups',
      { HostConfig: { CgroupnsMode: 'private', SecurityOpt: ['writable-cgroups=true'] } },
      'mkdir /sys/fs/cgroup/pids/x 2>/dev/null || mkdir /sys/fs/cgroup/x && echo made; rmdir /sys/fs/cgroup/pids/x 2>/dev/null || rmdir /sys/fs/cgroup/x',
      'made',
      dockerSince('28.0'),
    ),
    inside('label', { HostConfig: { SecurityOpt: ['label=disable', 'label=type:x'] } }, 'echo ran', 'ran'),
    inside('apparmor=unconfined', { HostConfig: { SecurityOpt: ['apparmor=unconfined'] } }, 'echo ran', 'ran'),
    inside('apparmor by default', {}, 'cat /proc/self/attr/current', /^docker-default \(enforce\)$/, {
      skip: !hasAppArmor && 'a kernel without AppArmor',
    }),
    refused('unknown', { HostConfig: { SecurityOpt: ['x=y'] } }, 400, /invalid --security-opt 2: "x=y"/, {
      skip: target === 'docker' && 'a 500 there',
    }),
  ],
  StorageOpt: [
    refused(
      'a size where the file system keeps none',
      { HostConfig: { StorageOpt: { size: '1G' } } },
      400,
      /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/,
    ),
    refused('an unknown one', { HostConfig: { StorageOpt: { x: '1' } } }, 400, /storage-opt|unknown option x/i),
  ],
  Tmpfs: [
    inside(
      'with options',
      { HostConfig: { Tmpfs: { '/t': 'size=1m,mode=700,exec' } } },
      'grep " /t " /proc/mounts | grep -o "size=1024k\\|mode=700\\|noexec"',
      'size=1024k\nmode=700',
    ),
    refused(
      'a bad option',
      { HostConfig: { Tmpfs: { '/t': 'what' } } },
      400,
      /invalid tmpfs option \["what"\]/,
      dockerSince('23.0'),
    ),
  ],
  UTSMode: [
    seen('host', async (engine) => {
      const name = (await engine.daemon.sandbox.run(['hostname'])).stdout;
      assert.equal((await engine.sh('hostname', { HostConfig: { UTSMode: 'host' } })).stdout, name);
    }),
    refused('unknown', { HostConfig: { UTSMode: 'x' } }, 400, /invalid UTS mode: x/i, dockerSince('25.0')),
  ],
  UsernsMode: [
    inside('host', { HostConfig: { UsernsMode: 'host' } }, 'cat /proc/self/uid_map | tr -s " "', /^ ?0 0 4294967295$/),
    refused(
      'unknown',
      { HostConfig: { UsernsMode: 'x' } },
      400,
      /invalid user(?: namespace|ns)? mode/i,
      dockerSince('25.0'),
    ),
  ],
  ShmSize: [
    inside('of /dev/shm', { HostConfig: { ShmSize: 2097152 } }, 'grep " /dev/shm " /proc/mounts', /size=2048k/),
    refused('below 0', { HostConfig: { ShmSize: -1 } }, 400, /SHM size can not be less than 0/),
  ],
  Sysctls: [
    inside(
      'of its namespaces',
      { HostConfig: { Sysctls: { 'net.ipv4.ip_forward': '0', 'kernel.msgmax': '9000' } } },
      'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
      '0\n9000',
    ),
    refused(
      'of the host',
      { HostConfig: { Sysctls: { 'kernel.panic': '1' } } },
      400,
      /sysctl "kernel.panic" is not in a separate kernel namespace/,
      { skip: target === 'docker' && 'found at start there' },
    ),
  ],
  Runtime: [
    seen('the one that is named', async (engine) => {
      const id = await engine.create({ HostConfig: { Runtime: 'runc' } });
      assert.equal((await engine.inspect(id)).HostConfig.Runtime, 'runc');
      await engine.remove(id);
    }),
    refused('unknown', { HostConfig: { Runtime: 'x' } }, 400, /[Uu]nknown (or invalid )?runtime (name|specified):? x/),
  ],
  Isolation: [
    inside('default', { HostConfig: { Isolation: 'default' } }, 'echo ran', 'ran'),
    refused('of Windows', { HostConfig: { Isolation: 'hyperv' } }, 400, /[Ii]nvalid isolation: "hyperv"/),
  ],
  Mounts: [
    inside(
      'see below',
      { HostConfig: { Mounts: [{ Type: 'tmpfs', Target: '/m' }] } },
      'grep -c " /m " /proc/mounts',
      '1',
    ),
  ],
  MaskedPaths: [
    inside(
      'its own',
      { HostConfig: { MaskedPaths: ['/etc/passwd'] } },
      'wc -c < /etc/passwd; test -s /proc/keys && echo open',
      /^0/,
    ),
    inside('none', { HostConfig: { MaskedPaths: [] } }, 'grep -c " /sys/firmware " /proc/mounts', '0'),
  ],
  ReadonlyPaths: [
    inside(
      'its own',
      { HostConfig: { ReadonlyPaths: ['/tmp'] } },
      'touch /tmp/x 2>/dev/null || echo refused',
      'refused',
    ),
    inside('none', { HostConfig: { ReadonlyPaths: [] } }, 'grep -c " /proc/sys " /proc/mounts', '0'),
  ],
  Init: [
    inside('is the first process', { HostConfig: { Init: true } }, 'test $$ != 1 && cat /proc/1/comm', /init|tini/),
  ],
};

/** A directory of the sandbox, which the daemon sees under the same path. */
function hostDirectory(engine: Fixture, name: string): string {
  const path = join(engine.daemon.sandbox.directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** What it refuses depends on capabilities, the kernel and the processor. */
function conditionalProfile(): string {
  const refuse = { action: 'SCMP_ACT_ERRNO' };
  return JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      { names: ['mkdir', 'mkdirat'], ...refuse, excludes: { caps: ['CAP_NET_ADMIN'] } },
      { names: ['rmdir', 'unlinkat'], ...refuse, includes: { caps: ['CAP_NET_ADMIN'], minKernel: '3.0' } },
      { names: ['sync'], ...refuse, includes: { arches: ['s390x'] } },
    ],
  });
}
