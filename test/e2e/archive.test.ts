import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { openSocket } from '../harness/http.ts';
import { type Listed, listTar } from '../harness/list-tar.ts';
import { target, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

async function put(id: string, path: string, archive: Buffer, query = '') {
  const url = `/containers/${id}/archive?path=${encodeURIComponent(path)}${query}`;
  return engine.daemon.api('PUT', url, archive, { headers: { 'Content-Type': 'application/x-tar' } });
}

async function get(id: string, path: string): Promise<{ status: number; members: Listed[]; text: string }> {
  const open = await engine.daemon.open('GET', `/containers/${id}/archive?path=${encodeURIComponent(path)}`);
  const chunks: Buffer[] = [];
  for await (const chunk of open.body) chunks.push(chunk);
  open.socket.destroy();
  const bytes = Buffer.concat(chunks);
  const members = open.status === 200 ? listTar(bytes) : [];
  return { status: open.status, members, text: bytes.toString() };
}

async function stat(id: string, path: string) {
  const url = `/containers/${id}/archive?path=${encodeURIComponent(path)}`;
  const answer = await engine.daemon.api('HEAD', url);
  const header = answer.headers['x-docker-container-path-stat'];
  return { status: answer.status, stat: header && JSON.parse(Buffer.from(header, 'base64').toString()) };
}

const names = (members: readonly Listed[]) => members.map(({ name }) => name);
const one: TarEntry[] = [{ name: 'one', content: 'hello', mode: 0o640, uid: 1000, gid: 1001 }];

describe('what is at a path', () => {
  test('a file, a directory and a link', async () => {
    const id = await engine.sleeping();
    const file = await stat(id, '/data/seed');
    assert.equal(file.status, 200);
    assert.deepEqual({ ...file.stat, mtime: '' }, { name: 'seed', size: 15, mode: 0o644, mtime: '', linkTarget: '' });
    assert.match(file.stat.mtime, /^2023-11-14T22:13:20Z$/);
    const directory = await stat(id, '/tmp');
    // Go's bits: directory and sticky.
    assert.equal(directory.stat.mode, 2 ** 31 + 2 ** 20 + 0o777);
    const link = await stat(id, '/bin/sh');
    assert.equal(link.stat.linkTarget, '/bin/busybox');
    assert.equal(link.stat.mode, 2 ** 27 + 0o777);
    assert.equal((await stat(id, '/bin/absent')).status, 404);
    assert.equal((await stat('absent', '/bin')).status, 404);
  });

  test('a path is needed, and one that is absent is named', async () => {
    const id = await engine.create();
    assert.equal((await engine.api('GET', `/containers/${id}/archive`)).status, 400);
    const absent = await get(id, '/no/such');
    assert.equal(absent.status, 404);
    assert.equal(JSON.parse(absent.text).message, `Could not find the file /no/such in container ${id}`);
  });
});

describe('out of a container', () => {
  test('a file, a directory, the contents of a directory, a link', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'mkdir -p /d/sub; echo x >/d/sub/f; ln -s f /d/sub/l; sleep 99'],
      StopSignal: 'SIGKILL',
    });
    await engine.exec(id, ['sh', '-c', 'until [ -L /d/sub/l ]; do :; done']);
    assert.deepEqual(names((await get(id, '/d')).members), ['d/', 'd/sub/', 'd/sub/f', 'd/sub/l']);
    assert.deepEqual(names((await get(id, '/d/.')).members), ['./', './sub/', './sub/f', './sub/l']);
    const file = await get(id, 'd/sub/f');
    assert.deepEqual(
      file.members.map(({ name, content }) => [name, content]),
      [['f', 'x\n']],
    );
    const link = await get(id, '/d/sub/l');
    assert.deepEqual(
      link.members.map(({ name, type, target }) => [name, type, target]),
      [['l', '2', 'f']],
    );
  });

  test('of a container that never ran, and of one that has ended', async () => {
    const created = await engine.create();
    assert.equal((await get(created, '/data/seed')).members[0]!.content, 'from the image\n');
    const ended = await engine.started({ Cmd: ['sh', '-c', 'echo left >/left; rm /data/seed'] });
    await engine.wait(ended);
    assert.equal((await get(ended, '/left')).members[0]!.content, 'left\n');
    assert.equal((await get(ended, '/data/seed')).status, 404);
  });

  test('from a volume and a bind, running and stopped', async () => {
    const directory = join(engine.daemon.sandbox.directory, 'bound');
    mkdirSync(directory);
    writeFileSync(join(directory, 'from-host'), 'host');
    const Binds = ['archive-volume:/vol', `${directory}:/mnt/deep/bound`];
    const id = await engine.started({ Cmd: ['sh', '-c', 'echo v >/vol/f'], HostConfig: { Binds } });
    await engine.wait(id);
    assert.equal((await get(id, '/vol/f')).members[0]!.content, 'v\n');
    assert.equal((await get(id, '/mnt/deep/bound/from-host')).members[0]!.content, 'host');
    const running = await engine.sleeping({ HostConfig: { Binds } });
    assert.equal((await get(running, '/vol/f')).members[0]!.content, 'v\n');
    assert.deepEqual(names((await get(running, '/mnt')).members), [
      'mnt/',
      'mnt/deep/',
      'mnt/deep/bound/',
      'mnt/deep/bound/from-host',
    ]);
  });

  test('all of it, without the files of the kernel', wharfOnly(), async () => {
    const id = await engine.sleeping();
    const { members } = await get(id, '/.');
    const found = names(members);
    assert.ok(found.includes('./bin/busybox'));
    assert.ok(found.includes('./proc/') && !found.some((name) => name.startsWith('./proc/') && name !== './proc/'));
    assert.ok(!found.some((name) => name.startsWith('./sys/') && name !== './sys/'));
  });

  test('nothing of the kernel by name or by link', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'ln -s /proc/1/environ /env; ln -s /proc/self/root /up; sleep 99'],
      StopSignal: 'SIGKILL',
    });
    await engine.exec(id, ['sh', '-c', 'until [ -L /up ]; do :; done']);
    assert.equal((await get(id, '/proc/1/environ')).status, 404);
    assert.notEqual((await get(id, '/up/etc/')).status, 200);
  });
});

describe('into a container', () => {
  for (const running of [true, false]) {
    test(`files keep mode, owner and time; ${running ? 'running' : 'never started'}`, async () => {
      const id = running
        ? await engine.sleeping()
        : await engine.create({ Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' });
      const archive = tar([
        { name: 'dir/', type: 'directory', mode: 0o750, uid: 5, gid: 6 },
        ...one,
        { name: 'dir/link', type: 'symlink', target: '../one' },
        { name: 'deep/er/file', content: 'parents' },
        { ...one[0]!, name: 'hard', type: 'link', target: 'one', content: '' },
      ]);
      const answer = await put(id, '/tmp', archive);
      assert.equal(answer.status, 200, answer.text);
      if (!running) await engine.start(id);
      const out = await engine.exec(id, [
        'sh',
        '-c',
        'cd /tmp; stat -c "%n %a %u %g %Y %h" one dir hard; readlink dir/link; cat deep/er/file',
      ]);
      assert.equal(
        out.stdout,
        'one 640 1000 1001 1700000000 2\ndir 750 5 6 1700000000 2\nhard 640 1000 1001 1700000000 2\n../one\nparents',
      );
    });
  }

  for (const [name, compress] of [
    ['gzip', gzipSync],
    ['bzip2', (input: Buffer) => execFileSync('bzip2', ['-c'], { input })],
    ['xz', (input: Buffer) => execFileSync('xz', ['-c'], { input })],
  ] as const) {
    test(`compressed by ${name}, and into a directory named by a link`, async () => {
      const id = await engine.sleeping();
      await engine.exec(id, ['ln', '-s', '/data', '/alias']);
      assert.equal((await put(id, '/alias', compress(tar(one)))).status, 200);
      assert.equal((await engine.exec(id, ['cat', '/data/one'])).stdout, 'hello');
    });
  }

  test('into volumes and binds, running and stopped', async () => {
    const directory = join(engine.daemon.sandbox.directory, 'into');
    mkdirSync(directory);
    const Binds = ['into-volume:/vol', `${directory}:/bound`];
    const id = await engine.create({ Cmd: ['cat', '/vol/one', '/bound/one'], HostConfig: { Binds } });
    assert.equal((await put(id, '/vol', tar(one))).status, 200);
    assert.equal((await put(id, '/bound', tar(one))).status, 200);
    assert.equal(readFileSync(join(directory, 'one'), 'utf8'), 'hello');
    await engine.start(id);
    assert.equal(await engine.wait(id), 0);
    const again = await engine.sleeping({ HostConfig: { Binds } });
    assert.equal((await put(again, '/vol', tar([{ name: 'two', content: '2' }]))).status, 200);
    assert.equal((await engine.exec(again, ['ls', '/vol'])).stdout, 'one\ntwo\n');
  });

  test('forty at once, of a running and of a stopped container', async () => {
    const running = await engine.sleeping();
    const stopped = await engine.create();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        put(index % 2 ? running : stopped, '/tmp', tar([{ name: `f${index}`, content: 'x' }])),
      ),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal((await get(stopped, '/tmp')).members.length, 21);
    assert.equal((await engine.exec(running, ['sh', '-c', 'ls /tmp | wc -l'])).stdout.trim(), '20');
  });

  test('a client that leaves in the middle holds nobody up', async () => {
    const id = await engine.create({ Cmd: ['true'] });
    const archive = tar([{ name: 'big', content: Buffer.alloc(4 << 20) }]);
    const socket = await openSocket(engine.daemon.socket);
    socket.write(
      `PUT /containers/${id}/archive?path=/tmp HTTP/1.1\r\nHost: d\r\nContent-Length: ${archive.length}\r\n\r\n`,
    );
    await new Promise<void>((resolve) => socket.write(archive.subarray(0, 1 << 20), () => resolve()));
    socket.destroy();
    await engine.start(id);
    assert.equal(await engine.wait(id), 0);
    const reading = await engine.daemon.open('GET', `/containers/${id}/archive?path=/bin`);
    await reading.body.next();
    reading.socket.destroy();
    await engine.remove(id);
  });

  test('not into what is no directory or not there', async () => {
    const id = await engine.sleeping();
    const file = await put(id, '/data/seed', tar(one));
    // dockerd answers 500 for what is the client's mistake.
    assert.equal(file.status, target === 'docker' ? 500 : 400);
    assert.equal(file.json.message, 'extraction point is not a directory');
    const absent = await put(id, '/absent', tar(one));
    assert.equal(absent.status, 404);
    assert.equal(absent.json.message, `Could not find the file /absent in container ${id}`);
  });

  test('a directory stays a directory where asked', async () => {
    const id = await engine.sleeping();
    const strict = '&noOverwriteDirNonDir=1';
    const refused = await put(id, '/', tar([{ name: 'data', content: 'x' }]), strict);
    assert.ok(refused.status >= 400, refused.text);
    assert.match(refused.json.message, /cannot overwrite directory "\/data" with non-directory/);
    const other = await put(id, '/data', tar([{ name: 'seed/', type: 'directory' }]), strict);
    assert.match(other.json.message, /cannot overwrite non-directory "\/data\/seed" with directory/);
    assert.equal((await put(id, '/', tar([{ name: 'data', content: 'x' }]))).status, 200);
    assert.equal((await engine.exec(id, ['cat', '/data'])).stdout, 'x');
  });

  test('refused where the container may not write', wharfOnly(), async () => {
    const id = await engine.sleeping({ HostConfig: { ReadonlyRootfs: true, Binds: ['ro-vol:/ro:ro', 'rw-vol:/rw'] } });
    const root = await put(id, '/tmp', tar(one));
    assert.equal(root.status, 403);
    assert.equal(root.json.message, 'container rootfs is marked read-only');
    const volume = await put(id, '/ro', tar(one));
    assert.equal(volume.status, 403);
    assert.equal(volume.json.message, 'mounted volume is marked read-only');
    assert.equal((await put(id, '/rw', tar(one))).status, 200);
  });

  test("copyUIDGID makes it the container's user's", wharfOnly(), async () => {
    const id = await engine.sleeping({ User: 'other' });
    assert.equal((await put(id, '/tmp', tar(one), '&copyUIDGID=1')).status, 200);
    assert.equal((await engine.exec(id, ['stat', '-c', '%u %g', '/tmp/one'])).stdout, '1001 1001\n');
  });
});

describe('hostile archives and containers', () => {
  const outside = (name: string) => join('/tmp', `wharf-escape-${process.pid}-${name}`);
  const absent = (name: string) => assert.throws(() => readFileSync(outside(name)), /ENOENT/);

  test('names and links that lead out stay inside', async () => {
    const id = await engine.sleeping();
    const up = '../'.repeat(12);
    const dots = await put(id, '/data', tar([{ name: `${up}${outside('dots').slice(1)}`, content: 'x' }]));
    assert.ok(dots.status >= 400 || dots.status === 200);
    absent('dots');
    const through = tar([
      { name: 'way', type: 'symlink', target: '/tmp' },
      { name: `way/${outside('link').slice(5)}`, content: 'x' },
    ]);
    await put(id, '/data', through);
    absent('link');
    const linked = await put(id, '/data', tar([{ name: 'pw', type: 'link', target: `${up}etc/passwd` }]));
    assert.ok(linked.status >= 400, linked.text);
  });

  test("a container's link to the host's files leads to its own", async () => {
    const id = await engine.sleeping();
    await engine.exec(id, ['sh', '-c', 'rm -rf /data; ln -s /../../../../../../etc /data; echo own >/etc/shadow']);
    assert.equal((await get(id, '/data/shadow')).members[0]!.content, 'own\n');
    assert.equal((await put(id, '/data', tar([{ name: 'planted', content: 'x' }]))).status, 200);
    assert.equal((await engine.exec(id, ['cat', '/etc/planted'])).stdout, 'x');
    assert.throws(() => readFileSync('/etc/planted'), /ENOENT/);
  });

  test('a container that swaps a directory and a link meanwhile', async () => {
    const victim = outside('race');
    mkdirSync(victim);
    const id = await engine.sleeping();
    await engine.exec(
      id,
      [
        'sh',
        '-c',
        `mkdir /real; ln -s ${victim} /evil; (while :; do mv /real /a; mv /evil /real; mv /real /evil; mv /a /real; done) &`,
      ],
      { AttachStdout: false, AttachStderr: false, Detach: true },
    );
    const files = Array.from({ length: 200 }, (_, index) => ({ name: `real/f${index}`, content: 'x' }));
    for (let round = 0; round < 5; round++) {
      await put(id, '/', tar(files));
      // What it was named after may be gone when it is read: then the answer breaks off.
      await get(id, '/real').catch(() => {});
    }
    assert.deepEqual(readdirSync(victim), []);
    rmdirSync(victim);
  });

  test('a FIFO and a device are copied as such and never opened', async () => {
    const id = await engine.sleeping();
    await engine.exec(id, ['sh', '-c', 'mkdir /odd; mkfifo /odd/pipe; mknod /odd/disk b 8 0']);
    const { members } = await get(id, '/odd');
    assert.deepEqual(
      members.map(({ name, type }) => [name, type]),
      [
        ['odd/', '5'],
        ['odd/disk', '4'],
        ['odd/pipe', '6'],
      ],
    );
  });

  test('an archive that is none, or ends early', async () => {
    const id = await engine.sleeping();
    const noise = await put(id, '/tmp', Buffer.alloc(2048, 'x'));
    assert.ok(noise.status >= 400);
    const cut = await put(id, '/tmp', tar([{ name: 'long', content: 'x'.repeat(4096) }]).subarray(0, 2000));
    assert.ok(cut.status >= 400);
    assert.equal((await put(id, '/tmp', tar(one))).status, 200);
  });
});

describe('export', () => {
  test('the root without volumes, running and stopped', async () => {
    const id = await engine.sleeping({ HostConfig: { Binds: ['export-volume:/data'] } });
    await engine.exec(id, ['sh', '-c', 'echo new >/new; echo v >/data/in-volume']);
    const check = async () => {
      const open = await engine.daemon.open('GET', `/containers/${id}/export`);
      const chunks: Buffer[] = [];
      for await (const chunk of open.body) chunks.push(chunk);
      open.socket.destroy();
      const members = listTar(Buffer.concat(chunks));
      assert.equal(members.find(({ name }) => name === 'new')?.content, 'new\n');
      assert.ok(names(members).includes('bin/busybox'));
      assert.ok(!names(members).includes('data/in-volume'));
      assert.ok(!names(members).some((name) => name.startsWith('proc/') && name !== 'proc/'));
    };
    await check();
    await engine.api('POST', `/containers/${id}/kill`);
    await engine.wait(id);
    await check();
    assert.equal((await engine.api('GET', '/containers/absent/export')).status, 404);
  });
});

describe('the stock client', () => {
  test('docker cp both ways, with names, links and tar streams', async () => {
    const work = join(engine.daemon.sandbox.directory, 'work');
    mkdirSync(join(work, 'tree/sub'), { recursive: true });
    writeFileSync(join(work, 'tree/sub/file'), 'content');
    await engine.sleeping({}, 'copied');
    const docker = async (args: readonly string[], input?: Buffer) => {
      const out = await engine.daemon.docker(args, input ? { stdin: input } : {});
      assert.equal(out.code, 0, out.stderr);
      return out;
    };
    await docker(['cp', join(work, 'tree'), 'copied:/tmp/new-name']);
    await docker(['cp', `${join(work, 'tree')}/.`, 'copied:/data']);
    await docker(['cp', join(work, 'tree/sub/file'), 'copied:/renamed']);
    await docker(['cp', '-', 'copied:/tmp'], tar(one));
    const seen = await engine.exec('copied', [
      'cat',
      '/tmp/new-name/sub/file',
      '/data/sub/file',
      '/renamed',
      '/tmp/one',
    ]);
    assert.equal(seen.stdout, 'contentcontentcontenthello', seen.stderr);
    await docker(['cp', 'copied:/data', join(work, 'out')]);
    assert.equal(readFileSync(join(work, 'out/sub/file'), 'utf8'), 'content');
    await docker(['cp', '-L', 'copied:/bin/true', join(work, 'true')]);
    assert.equal(readFileSync(join(work, 'true')).subarray(1, 4).toString(), 'ELF');
    const stream = await docker(['cp', 'copied:/renamed', '-']);
    assert.match(stream.stdout, /renamed/);
    const absent = await engine.daemon.docker(['cp', 'copied:/absent', work]);
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /Could not find the file \/absent in container copied/);
  });
});
