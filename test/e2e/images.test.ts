import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { busyboxImage, busyboxRootfs, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

async function names(): Promise<string[]> {
  const { json } = await engine.api('GET', '/images/json');
  return json.flatMap((image: { RepoTags: string[] | null }) => image.RepoTags ?? []).toSorted();
}

async function bytes(url: string): Promise<Buffer> {
  const open = await engine.daemon.open('GET', url);
  assert.equal(open.status, 200);
  const chunks: Buffer[] = [];
  for await (const chunk of open.body) chunks.push(chunk);
  open.socket.destroy();
  return Buffer.concat(chunks);
}

function tarNames(archive: Buffer): string[] {
  const found: string[] = [];
  for (let offset = 0; archive[offset]; ) {
    const size = Number.parseInt(archive.toString('latin1', offset + 124, offset + 135), 8);
    found.push(archive.toString('latin1', offset, offset + 100).replace(/\0.*$/s, ''));
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

describe('load', () => {
  test('says what it loaded', async () => {
    const answer = await engine.daemon.api('POST', '/images/load', busyboxImage('said:1'), {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.equal(answer.headers['content-type'], 'application/json');
    const messages = answer.text
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line));
    assert.equal(messages.at(-1).stream, 'Loaded image: said:1\n');
    await engine.api('DELETE', '/images/said:1');
  });

  for (const [name, compress] of [
    ['gzip', gzipSync],
    ['bzip2', through('bzip2')],
    ['xz', through('xz')],
  ] as const) {
    test(`takes an archive compressed by ${name}`, async () => {
      await engine.load(compress(busyboxImage('zipped:1')));
      assert.ok((await names()).includes('zipped:1'));
      await engine.api('DELETE', '/images/zipped:1');
    });

    test(`imports a root compressed by ${name}`, async () => {
      const root = compress(tar([{ name: 'f', content: 'imported\n' }]));
      const headers = { 'Content-Type': 'application/x-tar' };
      const answer = await engine.daemon.api('POST', '/images/create?fromSrc=-&repo=zipped&tag=2', root, { headers });
      assert.equal(answer.status, 200, answer.text);
      const { RootFS } = (await engine.api('GET', '/images/zipped:2/json')).json;
      assert.equal(RootFS.Layers[0], `sha256:${sha256(tar([{ name: 'f', content: 'imported\n' }]))}`);
      await engine.api('DELETE', '/images/zipped:2');
    });
  }

  test('refuses what is cut off in its compression', async () => {
    const whole = through('xz')(busyboxImage('cut:1'));
    const answer = await engine.daemon.api('POST', '/images/load', whole.subarray(0, whole.length >> 1), {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.match(answer.text, /error|EOF|invalid compressed data/);
    assert.ok(!(await names()).includes('cut:1'));
  });

  test('applies layers over each other: whiteouts, replacements, owners, modes, links', async () => {
    const upper = tar([
      { name: 'etc/.wh.group', content: '' },
      { name: 'data/.wh..wh..opq', content: '' },
      { name: 'data/new', content: 'second layer\n', uid: 7, gid: 8, mode: 0o640 },
      { name: 'bin/setuid', mode: 0o4755, content: 'x' },
      { name: 'data/hard', type: 'link', target: 'data/new', uid: 7, gid: 8, mode: 0o640 },
      { name: 'data/soft', type: 'symlink', target: '/data/new' },
      { name: 'dev-null', type: 'character', device: [1, 3], mode: 0o666 },
      { name: 'etc/not-executable', type: 'directory' },
    ]);
    await engine.load(imageArchive('stacked:1', [busyboxRootfs(), upper]));
    const script =
      'ls /data; test -e /etc/group || echo hidden; stat -c "%u %g %a %h" /data/new; stat -c %a /bin/setuid; ' +
      'cat /data/soft; stat -c "%F %t:%T" /dev-null; test -d /etc/not-executable && echo replaced';
    assert.equal(
      (await engine.sh(script, { Image: 'stacked:1' })).stdout,
      'hard\nnew\nsoft\nhidden\n7 8 640 2\n4755\nsecond layer\ncharacter special file 1:3\nreplaced\n',
    );
    await engine.api('DELETE', '/images/stacked:1');
  });

  test('the same image twice, and ten at once', async () => {
    const archives = Array.from({ length: 10 }, (_, index) => busyboxImage(`many:${index}`));
    await Promise.all(archives.map((archive) => engine.load(archive)));
    await engine.load(archives[0]!);
    const tags = (await names()).filter((name) => name.startsWith('many:'));
    assert.equal(tags.length, 10);
    for (const tag of tags) assert.equal((await engine.api('DELETE', `/images/${tag}`)).status, 200);
  });
});

test('save gives back what was loaded, and it loads again', async () => {
  await engine.load(busyboxImage('saved:1', { Labels: { kept: 'yes' } }));
  const before = (await engine.api('GET', '/images/saved:1/json')).json;
  const archive = await bytes('/images/saved:1/get');
  assert.ok(tarNames(archive).includes('manifest.json'), tarNames(archive).join());
  await engine.api('DELETE', '/images/saved:1');
  await engine.load(archive);
  const after = (await engine.api('GET', '/images/saved:1/json')).json;
  assert.deepEqual([after.RootFS, after.Config.Labels], [before.RootFS, before.Config.Labels]);
  assert.equal((await engine.sh('cat /data/seed', { Image: 'saved:1' })).stdout, 'from the image\n');
  await engine.api('DELETE', '/images/saved:1');
});

test('save writes the same bytes each time, also of what came by its own archive', wharfOnly(), async () => {
  await engine.load(busyboxImage('stable:1', { Labels: { kept: 'yes' } }));
  const first = sha256(await bytes('/images/stable:1/get'));
  const again = await bytes('/images/stable:1/get');
  assert.equal(sha256(again), first);
  await engine.api('DELETE', '/images/stable:1');
  await engine.load(again);
  assert.equal(sha256(await bytes('/images/stable:1/get')), first);
  await engine.api('DELETE', '/images/stable:1');
});

test('save several at once', async () => {
  await engine.api('POST', '/images/busybox/tag?repo=also&tag=2');
  const archive = await bytes('/images/get?names=busybox:latest&names=also:2');
  await engine.api('DELETE', '/images/also:2');
  await engine.load(archive);
  assert.ok((await names()).includes('also:2'));
  await engine.api('DELETE', '/images/also:2');
});

test('import makes an image of a root, with changes', async () => {
  const query =
    'fromSrc=-&repo=imported&tag=1&message=made&changes=CMD%20%5B%22cat%22%2C%22/data/seed%22%5D&changes=ENV%20A%3Db';
  const answer = await engine.daemon.api('POST', `/images/create?${query}`, busyboxRootfs(), {
    headers: { 'Content-Type': 'application/x-tar' },
  });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /sha256:[0-9a-f]{64}/);
  assert.equal((await engine.run({ Image: 'imported:1' })).stdout, 'from the image\n');
  const { Config } = (await engine.api('GET', '/images/imported:1/json')).json;
  assert.deepEqual([Config.Cmd, Config.Env], [['cat', '/data/seed'], ['A=b']]);
  const history = (await engine.api('GET', '/images/imported:1/history')).json;
  assert.equal(history[0].Comment, 'made');
  await engine.api('DELETE', '/images/imported:1');
});

describe('inspect and list', () => {
  test('inspect tells config, layers and names', async () => {
    const { json } = await engine.api('GET', '/images/busybox/json');
    assert.match(json.Id, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual([json.RepoTags, json.Os, json.RootFS.Type], [['busybox:latest'], 'linux', 'layers']);
    assert.equal(json.RootFS.Layers.length, 1);
    assert.deepEqual(json.Config.Cmd, ['sh']);
    assert.ok(json.Size > 500_000);
    for (const key of [
      json.Id,
      json.Id.slice(7, 19),
      'docker.io/library/busybox',
      'busybox:latest',
      'library/busybox',
    ]) {
      assert.equal((await engine.api('GET', `/images/${key}/json`)).json.Id, json.Id, key);
    }
  });

  test('list with filters', async () => {
    await engine.load(busyboxImage('listed:1', { Labels: { pick: 'me' } }));
    for (const [filter, expected] of [
      [{ reference: ['listed'] }, ['listed:1']],
      [{ reference: ['list*:*'] }, ['listed:1']],
      [{ label: ['pick=me'] }, ['listed:1']],
      [{ dangling: ['true'] }, []],
      [{ reference: ['nothing'] }, []],
    ] as const) {
      const { json } = await engine.api('GET', `/images/json?filters=${encodeURIComponent(JSON.stringify(filter))}`);
      assert.deepEqual(
        json.flatMap((image: { RepoTags: string[] }) => image.RepoTags),
        expected,
        JSON.stringify(filter),
      );
    }
    await engine.api('DELETE', '/images/listed:1');
  });

  test('history', async () => {
    const { json } = await engine.api('GET', '/images/busybox/history');
    assert.equal(json.length, 1);
    assert.deepEqual([json[0].CreatedBy, json[0].Tags], ['made by the tests', ['busybox:latest']]);
  });
});

describe('tag', () => {
  test('adds a name, moves it, and refuses what is none', async () => {
    assert.equal((await engine.api('POST', '/images/busybox/tag?repo=registry.test:5000/a/b&tag=v1')).status, 201);
    assert.ok((await names()).includes('registry.test:5000/a/b:v1'));
    await engine.load(busyboxImage('newer:1', { Labels: { newer: '' } }));
    await engine.api('POST', '/images/newer:1/tag?repo=registry.test:5000/a/b&tag=v1');
    const moved = (await engine.api('GET', '/images/registry.test:5000/a/b:v1/json')).json;
    assert.deepEqual(moved.RepoTags.toSorted(), ['newer:1', 'registry.test:5000/a/b:v1']);
    const bad = await engine.api('POST', '/images/busybox/tag?repo=UPPER&tag=x');
    assert.ok(bad.status >= 400);
    assert.match(bad.json.message, /repository name .*must be lowercase/);
    for (const name of ['newer:1', 'registry.test:5000/a/b:v1']) await engine.api('DELETE', `/images/${name}`);
  });
});

describe('remove', () => {
  test('untags first, and deletes with the last name', async () => {
    await engine.load(busyboxImage('gone:1', { Labels: { gone: '' } }));
    await engine.api('POST', '/images/gone:1/tag?repo=gone&tag=2');
    const first = await engine.api('DELETE', '/images/gone:1');
    assert.deepEqual(first.json, [{ Untagged: 'gone:1' }]);
    const second = await engine.api('DELETE', '/images/gone:2');
    assert.equal(second.json[0].Untagged, 'gone:2');
    assert.ok(second.json.some((item: { Deleted?: string }) => item.Deleted?.startsWith('sha256:')));
    assert.equal((await engine.api('GET', '/images/gone:2/json')).status, 404);
  });

  test('of one in use is a conflict that names the container', async () => {
    await engine.load(busyboxImage('used:1', { Labels: { used: '' } }));
    const id = await engine.sleeping({ Image: 'used:1' });
    const { Id } = (await engine.api('GET', '/images/used:1/json')).json;
    const answer = await engine.api('DELETE', `/images/used:1`);
    assert.equal(answer.status, 409);
    assert.match(
      answer.json.message,
      new RegExp(`unable to (remove repository reference|delete) .*(${id.slice(0, 12)})`),
    );
    assert.equal((await engine.api('DELETE', `/images/${Id}?force=1`)).status, 409, 'not even by force, by id');
    await engine.remove(id);
    assert.equal((await engine.api('DELETE', '/images/used:1')).status, 200);
  });

  test('prune takes those without a name, or all unused', async () => {
    await engine.load(busyboxImage('pruned:1', { Labels: { pruned: '' } }));
    const none = await engine.api('POST', '/images/prune');
    assert.equal(none.json.ImagesDeleted, null);
    const id = await engine.create();
    const all = await engine.api('POST', `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`);
    assert.ok(all.json.ImagesDeleted.some((item: { Untagged?: string }) => item.Untagged === 'pruned:1'));
    assert.deepEqual(await names(), ['busybox:latest']);
    await engine.remove(id);
  });
});

test('a container keeps running from an image whose name has moved on', async () => {
  await engine.load(busyboxImage('moving:1', { Labels: { version: 'one' } }));
  const id = await engine.sleeping({ Image: 'moving:1' });
  await engine.load(busyboxImage('moving:1', { Labels: { version: 'two' } }));
  assert.equal((await engine.exec(id, ['cat', '/data/seed'])).stdout, 'from the image\n');
  await engine.remove(id);
  await engine.api('DELETE', '/images/moving:1');
  await engine.api('POST', '/images/prune');
});

function through(program: 'bzip2' | 'xz'): (bytes: Buffer) => Buffer {
  return (input) => execFileSync(program, ['-1', '-c'], { input, maxBuffer: 64 << 20 });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
