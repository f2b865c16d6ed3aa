import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { Daemon } from '../harness/daemon.ts';
import { type ContainerSpec, useDaemon } from '../harness/fixture.ts';
import { listTar } from '../harness/list-tar.ts';
import { wharfOnly } from '../harness/target.ts';

/** Root of containers: /etc of the sandbox says that these ids are the user daemon's to give away. */
const first = 231_072;
const setUp = [
  'mkdir -p $0/etc-upper $0/etc-work',
  'grep -q " /etc overlay" /proc/mounts || mount -t overlay -o lowerdir=/etc,upperdir=$0/etc-upper,workdir=$0/etc-work overlay /etc',
  `echo daemon:${first}:65536 >/etc/subuid; cp /etc/subuid /etc/subgid`,
  'exec "$@"',
].join('\n');

after(() => engine.daemon.sandbox.run(['umount', '-l', '/etc']));
const engine = useDaemon({
  flags: ['--userns-remap', 'daemon'],
  startedBy: (socket) => ['sh', '-ec', setUp, socket.replace(/\/[^/]*\/[^/]*$/, '')],
});
const hostUsers = { HostConfig: { UsernsMode: 'host' } };

async function out(script: string, spec: ContainerSpec = {}): Promise<string> {
  const { stdout, stderr, code } = await engine.sh(script, spec);
  assert.equal(`${stderr}${code}`, '0', stdout);
  return stdout;
}

/** The members of an archive that the API sends. */
async function listed(url: string) {
  const open = await engine.daemon.open('GET', url);
  assert.equal(open.status, 200);
  const chunks: Buffer[] = [];
  for await (const chunk of open.body) chunks.push(chunk);
  open.socket.destroy();
  return listTar(Buffer.concat(chunks));
}

describe('userns-remap: users', () => {
  test('root of a container is somebody else on the host', async () => {
    const maps = await out('cat /proc/self/uid_map /proc/self/gid_map; id -u');
    assert.equal(maps.replace(/ +/g, ' '), ` 0 ${first} 65536\n 0 ${first} 65536\n0\n`);
    const id = await engine.sleeping();
    const { State } = await engine.inspect(id);
    const { stdout } = await engine.daemon.sandbox.run(['stat', '-c', '%u:%g', `/proc/${State.Pid}`]);
    assert.equal(stdout.trim(), `${first}:${first}`);
    await engine.remove(id);
  });

  test('who gets out as root of a container changes nothing of the daemon’s (CVE-2021-21284)', async () => {
    const id = await engine.sleeping();
    const root = `${engine.daemon.dataRoot}/${first}.${first}`;
    const as = ['setpriv', `--reuid=${first}`, `--regid=${first}`, '--clear-groups', 'sh', '-c'];
    const script = [
      `find ${root} -writable ! -type l ! -path "*/_data*" 2>/dev/null`,
      `for f in ${root}/x ${root}/meta.db ${root}/snapshots/x ${root}/snapshots/${id}/x ${root}/layers/x; do (: >>$f) 2>/dev/null && echo $f; done`,
      'true',
    ].join('\n');
    const { stdout } = await engine.daemon.sandbox.run([...as, script]);
    assert.equal(stdout.replace(/^.*\/containers\/[0-9a-f]+\/(hosts|hostname|resolv\.conf)\n/gm, ''), '');
    await engine.remove(id);
  });

  test('two containers have two user namespaces', async () => {
    const ids = [await engine.sleeping(), await engine.sleeping()];
    const namespaces = await Promise.all(
      ids.map(async (id) => (await engine.exec(id, ['readlink', '/proc/self/ns/user'])).stdout),
    );
    assert.equal(new Set(namespaces).size, 2);
    for (const id of ids) await engine.remove(id);
  });

  test('--userns=host is the host’s', wharfOnly(), async () => {
    assert.match(await out('cat /proc/self/uid_map', hostUsers), /^ +0 +0 +4294967295$/m);
    assert.equal(await out('stat -c %u:%g /bin/busybox /etc', hostUsers), '0:0\n0:0\n');
  });

  test('a user of the image, and one by number', async () => {
    assert.equal(
      await out('id -u; id -g; echo x >/tmp/f; stat -c %u /tmp/f', { User: '1000:1001' }),
      '1000\n1001\n1000\n',
    );
  });

  test('docker info says so, and where the mapping’s files are', async () => {
    const { json } = await engine.api('GET', '/info');
    assert.ok(json.SecurityOptions.includes('name=userns'));
    assert.equal(json.DockerRootDir, join(engine.daemon.dataRoot, `${first}.${first}`));
  });
});

describe('userns-remap: whose ids', () => {
  test('default makes a user with ids of its own, once', wharfOnly(), async () => {
    const { sandbox } = engine.daemon;
    const other = new Daemon(sandbox, { name: 'other', flags: ['--userns-remap', 'default', '--bridge', 'none'] });
    const idsOf = async () => (await sandbox.run(['grep', '-h', 'dockremap', '/etc/subuid', '/etc/subgid'])).stdout;
    for (const _ of ['first', 'again']) {
      await other.start();
      assert.equal(await idsOf(), `dockremap:${first + 65_536}:65536\n`.repeat(2));
      const { json } = await other.api('GET', '/info');
      assert.ok(json.DockerRootDir.endsWith(`/data/${first + 65_536}.${first + 65_536}`), json.DockerRootDir);
      await other.stop();
    }
  });

  for (const [setting, message] of [
    ['nobody-such', /[Ee]rror during uid lookup for "nobody-such"/],
    ['bin', /no subuid ranges found for user "bin"/],
  ] as const) {
    test(`${setting} is refused`, async () => {
      const other = new Daemon(engine.daemon.sandbox, { name: 'other', flags: ['--userns-remap', setting] });
      await assert.rejects(other.start(), message);
    });
  }
});

test('userns-remap: a file system that cannot map owners is named', wharfOnly(), async () => {
  // /etc of the sandbox is an overlay.
  const flags = ['--userns-remap', 'daemon', '--data-root', '/etc/data-root'];
  const other = new Daemon(engine.daemon.sandbox, { name: 'other', flags });
  await assert.rejects(other.start(), /userns-remap needs mounts with mapped owners, which .*\/etc\/data-root/);
});

describe('userns-remap: files', () => {
  test('those of the image are root’s', async () => {
    assert.equal(await out('stat -c %u:%g / /bin /bin/busybox /etc'), '0:0\n'.repeat(4));
  });

  test('its own can be changed, made and removed', async () => {
    const script =
      'touch /new; chown 1000:7 /new; stat -c %u:%g /new; echo x >>/etc/passwd; mv /etc/group /etc/g; rm -r /home';
    const id = await engine.started({ Cmd: ['sh', '-ec', script] });
    assert.equal(await engine.wait(id), 0);
    assert.equal((await engine.logs(id)).stdout, '1000:7\n');
    await engine.remove(id);
  });

  test('what the daemon makes can be written: hosts, hostname, resolv.conf', async () => {
    await out('for f in hosts hostname resolv.conf; do echo "# x" >>/etc/$f; done');
  });

  test('stdio can be opened again', async () => {
    const { stdout, stderr } = await engine.sh('echo out >/dev/stdout; echo err >/dev/stderr', { User: '' });
    assert.equal(stdout + stderr, 'out\nerr\n');
    const other = await engine.sh('echo out >/dev/stdout; echo err >/dev/stderr', { User: '1000' });
    assert.equal(other.stdout + other.stderr, 'out\nerr\n');
  });

  test('a volume is filled and owned as the container sees it', async () => {
    const spec = { HostConfig: { Binds: ['vol:/etc'] } };
    assert.equal(await out('stat -c %u /etc /etc/passwd; touch /etc/mine', spec), '0\n0\n');
    assert.equal(await out('stat -c %u:%g /etc/mine', spec), '0:0\n');
    const { json } = await engine.api('GET', '/volumes/vol');
    assert.equal(statSync(join(json.Mountpoint, 'mine')).uid, first);
    assert.equal(
      await out('stat -c %u /etc/mine', { HostConfig: { Binds: ['vol:/etc'], UsernsMode: 'host' } }),
      `${first}\n`,
    );
  });

  test('an empty volume is root’s of the container', async () => {
    assert.equal(await out('stat -c %u:%g /v; touch /v/x', { HostConfig: { Binds: ['empty:/v'] } }), '0:0\n');
  });

  test('the host’s are nobody’s, and closed where the host closed them', async () => {
    const directory = join(engine.daemon.sandbox.directory, 'bound');
    mkdirSync(directory);
    writeFileSync(join(directory, 'secret'), 'x', { mode: 0o600 });
    writeFileSync(join(directory, 'open'), 'open');
    chmodSync(directory, 0o755);
    const script =
      'stat -c %u:%g /b/secret; cat /b/open; cat /b/secret 2>/dev/null || echo closed; touch /b/x 2>/dev/null || echo no';
    assert.equal(await out(script, { HostConfig: { Binds: [`${directory}:/b`] } }), '65534:65534\nopenclosed\nno\n');
  });

  test('a host directory that -v makes is root’s of the container', async () => {
    const directory = join(engine.daemon.sandbox.directory, 'made/for/it');
    await out('touch /b/x', { HostConfig: { Binds: [`${directory}:/b`] } });
    assert.equal(statSync(join(directory, 'x')).uid, first);
    assert.equal(statSync(join(engine.daemon.sandbox.directory, 'made')).uid, first);
  });

  for (const state of ['running', 'stopped'] as const) {
    test(`copies go in and out with the container’s owners: ${state}`, wharfOnly(), async () => {
      const spec = { HostConfig: { Binds: ['copied:/vol'] } };
      const id = state === 'running' ? await engine.sleeping(spec) : await engine.create(spec);
      const archive = tar([
        { name: 'a/', type: 'directory', uid: 5, gid: 6 },
        { name: 'a/f', content: 'x', uid: 7, gid: 8 },
        { name: 'made/below', content: 'x' },
      ]);
      for (const path of ['/', '/vol']) {
        const headers = { 'Content-Type': 'application/x-tar' };
        const put = await engine.daemon.api('PUT', `/containers/${id}/archive?path=${path}`, archive, { headers });
        assert.equal(put.status, 200, put.text);
        const entries = await listed(`/containers/${id}/archive?path=${path === '/' ? '' : path}/a`);
        assert.deepEqual(
          entries.map(({ name, uid, gid }) => [name, uid, gid]),
          [
            ['a/', 5, 6],
            ['a/f', 7, 8],
          ],
        );
      }
      if (state === 'stopped') await engine.api('POST', `/containers/${id}/start`);
      const run = state === 'running' ? id : await engine.sleeping({ HostConfig: { Binds: ['copied:/vol'] } });
      const { stdout } = await engine.exec(run, ['stat', '-c', '%u:%g', '/vol/a', '/vol/a/f', '/vol/made']);
      assert.equal(stdout, '5:6\n7:8\n0:0\n');
      for (const one of new Set([id, run])) await engine.remove(one);
    });
  }

  test('an archive whose owner the container cannot have is refused', wharfOnly(), async () => {
    const id = await engine.create();
    const archive = tar([{ name: 'f', content: 'x', uid: 70_000, gid: 0 }]);
    const headers = { 'Content-Type': 'application/x-tar' };
    const { status, text } = await engine.daemon.api('PUT', `/containers/${id}/archive?path=/`, archive, { headers });
    assert.equal(status, 400);
    assert.match(text, /cannot be mapped to a host ID/);
    await engine.remove(id);
  });

  test('commit, diff and export speak of them as the container does', wharfOnly(), async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'mkdir /made; touch /made/f; chown 12:13 /made/f'] });
    await engine.wait(id);
    assert.deepEqual((await engine.api('GET', `/containers/${id}/changes`)).json, [
      { Path: '/made', Kind: 1 },
      { Path: '/made/f', Kind: 1 },
    ]);
    const exported = await listed(`/containers/${id}/export`);
    assert.equal(exported.find(({ name }) => name === 'made/f')?.uid, 12);
    assert.equal(exported.find(({ name }) => name === 'bin/busybox')?.uid, 0);
    assert.equal((await engine.api('POST', `/commit?container=${id}&repo=made`)).status, 201);
    for (const HostConfig of [{}, { UsernsMode: 'host' }]) {
      assert.equal(await out('stat -c %u:%g /made /made/f', { Image: 'made', HostConfig }), '0:0\n12:13\n');
    }
    await engine.remove(id);
  });
});

describe('userns-remap: what a container rules over', () => {
  test('its network, with sysctls, interfaces and ping', async () => {
    const spec = { HostConfig: { CapAdd: ['NET_ADMIN'], Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '7' } } };
    const script = [
      'ls /sys/class/net | tr "\\n" " "',
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
      'ip link add dummy1 type bridge 2>/dev/null || ip link set lo mtu 1400 && cat /sys/class/net/lo/mtu',
      'ping -c1 -W2 $(ip route | sed -n "s/default via \\([^ ]*\\).*/\\1/p") >/dev/null && echo answered',
    ].join('; ');
    assert.match(await out(script, spec), /^eth0 lo 7\n(1400|65536)\nanswered\n$/);
  });

  test('mounts of its own, with SYS_ADMIN', async () => {
    const HostConfig = { CapAdd: ['SYS_ADMIN'], SecurityOpt: ['seccomp=unconfined'] };
    assert.equal(
      await out('mkdir /m && mount -t tmpfs x /m && touch /m/f && umount /m && echo ok', { HostConfig }),
      'ok\n',
    );
  });

  test('no device of the host, whatever its capabilities', async () => {
    const HostConfig = { CapAdd: ['ALL'], SecurityOpt: ['seccomp=unconfined'] };
    assert.equal(
      await out(
        'mknod /d b 8 0 2>/dev/null || echo refused; echo 1 2>/dev/null >/proc/sys/kernel/panic || echo refused',
        { HostConfig },
      ),
      'refused\nrefused\n',
    );
  });

  test('devices that it was given', wharfOnly(), async () => {
    const Devices = [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/given', CgroupPermissions: 'rwm' }];
    assert.equal(await out('head -c3 /dev/given | wc -c; echo x >/dev/null', { HostConfig: { Devices } }), '3\n');
  });

  test('exec: root, users, terminals and privileged ones', async () => {
    const id = await engine.sleeping();
    assert.equal((await engine.exec(id, ['sh', '-c', 'id -u; touch /by-exec; stat -c %u /by-exec'])).stdout, '0\n0\n');
    assert.equal((await engine.exec(id, ['id', '-u'], { User: '1000' })).stdout, '1000\n');
    const privileged = await engine.exec(id, ['sh', '-c', 'mknod /d b 8 0 2>/dev/null || echo refused'], {
      Privileged: true,
    });
    assert.equal(privileged.stdout, 'refused\n');
    const tty = await engine.daemon.docker(['exec', '-t', id, 'sh', '-c', 'tty; echo x >$(tty)']);
    assert.equal(tty.stdout.replaceAll('\r', ''), '/dev/pts/0\nx\n');
    await engine.remove(id);
  });

  const options: readonly (readonly [
    name: string,
    hostConfig: Record<string, unknown>,
    script: string,
    expected: string,
  ])[] = [
    ['a read-only root', { ReadonlyRootfs: true }, 'touch /x 2>/dev/null || echo ro', 'ro\n'],
    ['tmpfs', { Tmpfs: { '/t': 'mode=700' } }, 'touch /t/x; stat -c %u:%a /t', '0:700\n'],
    ['an init', { Init: true }, 'cat /proc/1/comm', 'docker-init\n'],
    ['the host’s IPC', { IpcMode: 'host' }, 'ls -d /dev/shm', '/dev/shm\n'],
    ['the host’s UTS', { UTSMode: 'host' }, 'echo ok', 'ok\n'],
    ['no network', { NetworkMode: 'none' }, 'ls /sys/class/net', 'lo\n'],
    [
      'limits',
      { Memory: 64 << 20, PidsLimit: 50, Ulimits: [{ Name: 'nofile', Soft: 99, Hard: 99 }] },
      'ulimit -n',
      '99\n',
    ],
    ['a private cgroup namespace', { CgroupnsMode: 'private' }, 'sed -n "s/.*:pids://p" /proc/self/cgroup', '/\n'],
    ['an OOM score', { OomScoreAdj: 300 }, 'cat /proc/self/oom_score_adj', '300\n'],
    [
      'no new privileges',
      { SecurityOpt: ['no-new-privileges'] },
      'grep NoNewPrivs /proc/self/status | tr -d "\\t"',
      'NoNewPrivs:1\n',
    ],
  ];
  for (const [name, HostConfig, script, expected] of options) {
    test(`options go with it: ${name}`, name === 'the host’s IPC' ? wharfOnly() : {}, async () => {
      assert.equal(await out(script, { HostConfig }), expected);
    });
  }

  test('namespaces are shared by who shares the user namespace', wharfOnly(), async () => {
    const id = await engine.sleeping({ HostConfig: { IpcMode: 'shareable' } });
    const shared = { NetworkMode: `container:${id}`, PidMode: `container:${id}`, IpcMode: `container:${id}` };
    for (const HostConfig of [shared, ...Object.entries(shared).map(([key, mode]) => ({ [key]: mode }))]) {
      assert.equal(await out('touch /dev/shm/x; rm /dev/shm/x; echo ok', { HostConfig }), 'ok\n');
    }
    const other = await engine.sleeping({ HostConfig: { UsernsMode: 'host' } });
    const refused = await engine.create({ Cmd: ['true'], HostConfig: { NetworkMode: `container:${other}` } });
    const { status, json } = await engine.api('POST', `/containers/${refused}/start`);
    assert.equal(status, 409);
    assert.match(json.message, /it is in the host's user namespace/);
    for (const one of [refused, other, id]) await engine.remove(one);
  });
});

describe('userns-remap: what it does not go with', () => {
  const refused: readonly (readonly [hostConfig: object, message: string])[] = [
    [
      { Privileged: true },
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    ],
    [{ NetworkMode: 'host' }, "cannot share the host's network namespace when user namespaces are enabled"],
    [{ PidMode: 'host' }, 'cannot share the host PID namespace when user namespaces are enabled'],
  ];
  for (const [HostConfig, message] of refused) {
    test(JSON.stringify(HostConfig), async () => {
      const { status, json } = await engine.api('POST', '/containers/create', { Image: 'busybox', HostConfig });
      assert.deepEqual([status, json.message], [400, message]);
      const HostConfigOfHost = { ...HostConfig, UsernsMode: 'host' };
      const spec = { Image: 'busybox', Cmd: ['true'], HostConfig: HostConfigOfHost };
      const allowed = await engine.api('POST', '/containers/create', spec);
      assert.equal(allowed.status, 201, allowed.text);
      await engine.remove(allowed.json.Id);
    });
  }
});

describe('userns-remap: over time', () => {
  test('a container lives on under a daemon that was killed, and can be started again', wharfOnly(), async () => {
    const id = await engine.sleeping({ HostConfig: { Binds: ['kept:/kept'] } });
    await engine.exec(id, ['touch', '/mine', '/kept/mine']);
    await engine.daemon.kill();
    await engine.daemon.start();
    assert.equal((await engine.exec(id, ['stat', '-c', '%u', '/mine', '/kept/mine'])).stdout, '0\n0\n');
    assert.equal((await engine.api('POST', `/containers/${id}/restart?t=0`)).status, 204);
    assert.equal((await engine.exec(id, ['stat', '-c', '%u', '/mine', '/kept/mine'])).stdout, '0\n0\n');
    await engine.remove(id);
  });

  test('builds run as somebody else, with caches, contexts and layers that are theirs', wharfOnly(), async () => {
    const dockerfile = [
      'FROM busybox AS base',
      'RUN touch /made && chown 5:6 /made',
      'FROM busybox',
      'COPY --from=base /made /copied',
      'COPY in /in',
      'RUN --mount=type=cache,target=/cache touch /cache/x && stat -c %u:%g /cache/x >/seen',
      'RUN --mount=type=bind,source=in,target=/ctx stat -c %u:%g /ctx >>/seen',
      'RUN --mount=type=bind,from=base,source=/made,target=/from stat -c %u:%g /from >>/seen',
      'RUN cat /proc/self/uid_map | tr -s " " >>/seen && stat -c %u:%g /copied /in >>/seen',
    ].join('\n');
    const context = tar([
      { name: 'Dockerfile', content: dockerfile },
      { name: 'in', content: 'x' },
    ]);
    const headers = { 'Content-Type': 'application/x-tar' };
    const built = await engine.daemon.api('POST', '/build?t=built', context, { headers });
    assert.ok(!built.text.includes('errorDetail'), built.text);
    const seen = `0:0\n0:0\n5:6\n 0 ${first} 65536\n5:6\n0:0\n`;
    assert.equal(await out('cat /seen', { Image: 'built' }), seen);
    assert.equal(await out('cat /seen; stat -c %u:%g /copied', { Image: 'built', ...hostUsers }), `${seen}5:6\n`);
    await engine.api('POST', '/build/prune?all=1');
  });

  test('parts of volumes, and binds without what is mounted below', wharfOnly(), async () => {
    await out('mkdir -p /v/part && echo part >/v/part/f', { HostConfig: { Binds: ['parts:/v'] } });
    const Mounts = [
      { Type: 'volume', Source: 'parts', Target: '/part', VolumeOptions: { Subpath: 'part' } },
      { Type: 'bind', Source: '/usr', Target: '/flat', BindOptions: { NonRecursive: true } },
    ];
    assert.equal(
      await out('cat /part/f; touch /part/x; ls -d /flat/bin', { HostConfig: { Mounts } }),
      'part\n/flat/bin\n',
    );
  });

  test('images as mounts', wharfOnly(), async () => {
    const Mounts = [{ Type: 'image', Source: 'busybox', Target: '/image' }];
    assert.equal(await out('stat -c %u:%g /image/bin/busybox', { HostConfig: { Mounts } }), '0:0\n');
  });

  test('runc runs them, too', async () => {
    const HostConfig = { Runtime: 'runc', CapAdd: ['NET_ADMIN'] };
    const script = `id -u; stat -c %u:%g /bin/busybox; touch /x; echo x >/dev/stdout; ls /sys/class/net | tr '\\n' ' '`;
    assert.equal(await out(script, { HostConfig }), '0\n0:0\nx\neth0 lo ');
    const id = await engine.sleeping({ HostConfig });
    assert.equal((await engine.exec(id, ['id', '-u'], { User: '1000' })).stdout, '1000\n');
    await engine.remove(id);
  });

  test('health is probed inside', async () => {
    const id = await engine.sleeping({
      Healthcheck: { Test: ['CMD-SHELL', 'id -u'], Interval: 100_000_000, Retries: 1 },
    });
    const open = await engine.daemon.open(
      'GET',
      `/events?filters=${encodeURIComponent(JSON.stringify({ container: [id], event: ['health_status'] }))}&since=0`,
    );
    for await (const chunk of open.body) if (chunk.toString().includes('healthy')) break;
    open.socket.destroy();
    const { State } = await engine.inspect(id);
    assert.deepEqual([State.Health.Status, State.Health.Log[0].Output], ['healthy', '0\n']);
    await engine.remove(id);
  });

  test('top, stats and logs', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'echo said; exec sleep 1000'], StopSignal: 'SIGKILL' });
    await engine.logged(id, 'said');
    const { json } = await engine.api('GET', `/containers/${id}/top?ps_args=-o pid,uid,comm`.replaceAll(' ', '%20'));
    assert.equal(json.Processes[0][1], String(first));
    assert.equal((await engine.api('GET', `/containers/${id}/stats?stream=0&one-shot=1`)).status, 200);
    await engine.remove(id);
  });
});

describe('userns-remap: an exec', () => {
  /** All that confines a process, as it sees it itself. */
  const look = [
    "grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc/self/status",
    'for kind in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$kind; done',
    'cat /proc/self/limits /proc/self/uid_map; cut -d: -f2,3 /proc/self/cgroup | sort; cat /proc/self/oom_score_adj',
    "ls -l /proc/self/fd | awk 'NF > 8 {print $9}' | grep -v 3",
  ].join('; ');

  for (const [what, spec] of [
    ['by default', {}],
    ['of a user', { User: '1000:1001', HostConfig: { GroupAdd: ['2000'] } }],
    ['without capabilities', { HostConfig: { CapDrop: ['ALL'] } }],
    ['without a filter', { HostConfig: { SecurityOpt: ['seccomp=unconfined'], CapAdd: ['SYS_ADMIN'] } }],
  ] as const) {
    test(`is confined as its container’s process: ${what}`, async () => {
      const script = `{ ${look}; } 2>&1; echo done; exec sleep 1000`;
      const id = await engine.started({ Cmd: ['sh', '-c', script], StopSignal: 'SIGKILL', ...spec });
      await engine.logged(id, 'done');
      const { stdout: own } = await engine.logs(id);
      assert.equal((await engine.exec(id, ['sh', '-c', `{ ${look}; } 2>&1; echo done`])).stdout, own);
      await engine.remove(id);
    });
  }

  test('has a terminal and stdio of its own', async () => {
    const id = await engine.sleeping();
    for (const User of ['', '1000']) {
      const script = 'echo out >/dev/stdout; echo err >/dev/stderr';
      const { stdout, stderr } = await engine.exec(id, ['sh', '-c', script], { User });
      assert.equal(stdout + stderr, 'out\nerr\n', User);
      const args = ['exec', '-t', '-u', User || '0', id, 'sh', '-c', 'stat -c %u $(tty); echo x >$(tty)'];
      assert.equal((await engine.daemon.docker(args)).stdout.replaceAll('\r', ''), `${User || '0'}\nx\n`);
    }
    await engine.remove(id);
  });

  test('cannot be a user that is not there', async () => {
    const id = await engine.sleeping();
    assert.notEqual((await engine.exec(id, ['id', '-u'], { User: '70000' })).code, 0);
    await engine.remove(id);
  });
});
