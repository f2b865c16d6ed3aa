import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { type Listed, listTar } from '../harness/list-tar.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

const commit = (query: string, body?: unknown) => engine.api('POST', `/commit?${query}`, body ?? 'null');

/** An image without any directory. */
async function importBare(name: string): Promise<void> {
  const root = tar([{ name: 'busybox', content: readFileSync('/bin/busybox'), mode: 0o755 }]);
  const headers = { 'Content-Type': 'application/x-tar' };
  const answer = await engine.daemon.api('POST', `/images/create?fromSrc=-&repo=${name}`, root, { headers });
  assert.equal(answer.status, 200, answer.text);
}

async function newestLayer(image: string): Promise<Listed[]> {
  const { bytes } = await engine.api('GET', `/images/${image}/get`);
  const members = listTar(bytes);
  const content = (path: string) => members.find(({ name }) => name === path)!;
  const [{ Layers }] = JSON.parse(content('manifest.json').content);
  return listTar(content(Layers.at(-1)).bytes);
}

describe('commit', () => {
  test('an image of what changed, with its history', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'echo new >/new; rm /data/seed; mkdir /full; ln -s new /link'],
    });
    await engine.wait(id);
    const answer = await commit(`container=${id}&repo=made&tag=one&comment=a+comment&author=somebody`);
    assert.equal(answer.status, 201, answer.text);
    const out = await engine.sh('cat /new /link; ls -d /full /data/seed', { Image: 'made:one' });
    assert.equal(out.stdout, 'new\nnew\n/full\n');
    const image = (await engine.api('GET', '/images/made:one/json')).json;
    assert.equal(image.Id, answer.json.Id);
    assert.equal(image.Author, 'somebody');
    assert.equal(image.RootFS.Layers.length, 2);
    const [newest] = (await engine.api('GET', '/images/made:one/history')).json;
    assert.equal(newest.Comment, 'a comment');
    assert.match(newest.CreatedBy, /^sh -c echo new/);
    // Of the container's own configuration.
    assert.deepEqual(image.Config.Cmd.slice(0, 2), ['sh', '-c']);
  });

  test('a running container goes on afterwards', async () => {
    const id = await engine.sleeping();
    await engine.exec(id, ['sh', '-c', 'echo live >/live']);
    const answer = await commit(`container=${id}&repo=made&tag=live`);
    assert.equal(answer.status, 201, answer.text);
    assert.equal((await engine.inspect(id)).State.Status, 'running');
    assert.equal((await engine.sh('cat /live', { Image: 'made:live' })).stdout, 'live\n');
    assert.equal((await commit(`container=${id}&pause=0`)).status, 201);
  });

  test('changes, and a configuration of its own', async () => {
    const id = await engine.create({ Env: ['A=1'], Labels: { kept: 'yes' }, Cmd: ['old'] });
    const changes = ['ENTRYPOINT ["echo"]', 'ENV B=2', 'LABEL added=x', 'EXPOSE 80', 'WORKDIR /tmp', 'USER user'];
    const query = changes.map((change) => `changes=${encodeURIComponent(change)}`).join('&');
    assert.equal((await commit(`container=${id}&repo=changed&${query}`)).status, 201);
    const { Config } = (await engine.api('GET', '/images/changed/json')).json;
    assert.deepEqual(Config.Entrypoint, ['echo']);
    assert.ok(!Config.Cmd?.length, 'a new entrypoint has no old arguments');
    assert.ok(Config.Env.includes('A=1') && Config.Env.includes('B=2'));
    assert.deepEqual(Config.Labels, { kept: 'yes', added: 'x' });
    assert.deepEqual([Object.keys(Config.ExposedPorts), Config.WorkingDir, Config.User], [['80/tcp'], '/tmp', 'user']);
    assert.equal((await commit(`container=${id}&repo=own`, { Cmd: ['mine'], Env: ['C=3'] })).status, 201);
    const own = (await engine.api('GET', '/images/own/json')).json.Config;
    assert.deepEqual(own.Cmd, ['mine']);
    assert.ok(own.Env.includes('C=3') && own.Env.includes('A=1'));
  });

  test('of an image that was committed itself, several times over', async () => {
    let image = 'busybox';
    for (const step of ['1', '2', '3']) {
      const id = await engine.started({ Image: image, Cmd: ['sh', '-c', `echo ${step} >>/steps`] });
      await engine.wait(id);
      image = `chain:${step}`;
      assert.equal((await commit(`container=${id}&repo=chain&tag=${step}`)).status, 201);
    }
    assert.equal((await engine.sh('cat /steps', { Image: image })).stdout, '1\n2\n3\n');
  });

  test('survives save and load', wharfOnly(), async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'rm -r /data; mkdir /data; echo x >/data/x'] });
    await engine.wait(id);
    assert.equal((await commit(`container=${id}&repo=travels`)).status, 201);
    const open = await engine.daemon.open('GET', '/images/travels/get');
    const chunks: Buffer[] = [];
    for await (const chunk of open.body) chunks.push(chunk);
    open.socket.destroy();
    assert.equal((await engine.api('DELETE', '/images/travels')).status, 200);
    await engine.load(Buffer.concat(chunks));
    assert.equal((await engine.sh('ls /data', { Image: 'travels' })).stdout, 'x\n');
  });

  test('what the runtime makes for its mounts is not in it', async () => {
    await importBare('bare');
    const script = '/busybox mkdir /made; echo x >/etc/own';
    const id = await engine.started({ Image: 'bare', Cmd: ['/busybox', 'sh', '-c', script] });
    await engine.wait(id);
    assert.equal((await commit(`container=${id}&repo=bare&tag=two`)).status, 201);
    const names = (await newestLayer('bare:two')).map(({ name }) => name);
    assert.deepEqual(names.sort(), ['etc/', 'etc/own', 'made/']);
  });

  test('what a container puts in place of it is', async () => {
    await importBare('own');
    const id = await engine.create({ Image: 'own', Cmd: ['/busybox', 'true'] });
    const own = tar([{ name: 'etc/mtab', content: 'own' }]);
    const headers = { 'Content-Type': 'application/x-tar' };
    const put = await engine.daemon.api('PUT', `/containers/${id}/archive?path=/`, own, { headers });
    assert.equal(put.status, 200, put.text);
    assert.equal((await commit(`container=${id}&repo=own&tag=two`)).status, 201);
    const names = (await newestLayer('own:two')).map(({ name }) => name);
    assert.deepEqual(names.sort(), ['etc/', 'etc/mtab']);
  });

  test('refusals', async () => {
    const id = await engine.create();
    assert.equal((await commit('container=absent')).status, 404);
    // dockerd 20.10 answers 500.
    assert.ok((await commit(`container=${id}&repo=UPPER`)).status >= 400);
    assert.equal((await commit(`container=${id}&changes=${encodeURIComponent('FROM x')}`)).status, 400);
  });

  test('docker commit and docker diff', async () => {
    await engine.sleeping({}, 'committed');
    await engine.exec('committed', ['sh', '-c', 'echo >/root/x']);
    const diff = await engine.daemon.docker(['diff', 'committed']);
    assert.equal(diff.stdout, 'C /root\nA /root/x\n', diff.stderr);
    const out = await engine.daemon.docker([
      'commit',
      '-m',
      'words',
      '-c',
      'CMD ["ls", "/root"]',
      'committed',
      'by-client:v1',
    ]);
    assert.match(out.stdout, /^sha256:[0-9a-f]{64}\n$/, out.stderr);
    const run = await engine.daemon.docker(['run', '--rm', 'by-client:v1']);
    assert.equal(run.stdout, 'x\n', run.stderr);
  });
});
