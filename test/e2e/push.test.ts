import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { target } from '../harness/target.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);

interface Message {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly total?: number };
  readonly errorDetail?: { readonly message: string };
  readonly aux?: { readonly Tag: string; readonly Digest: string; readonly Size: number };
}

async function push(name: string, query = '', headers: Record<string, string> = {}) {
  const url = `/images/${registry.host}/${name}/push?${query}`;
  const answer = await engine.daemon.api('POST', url, undefined, {
    headers: { 'X-Registry-Auth': 'e30=', ...headers },
  });
  const lines = answer.text.split('\r\n').filter((line) => line !== '');
  return { status: answer.status, text: answer.text, messages: lines.map((line) => JSON.parse(line) as Message) };
}

const statuses = (messages: readonly Message[]) =>
  messages.filter(({ progressDetail }) => !progressDetail?.total).flatMap(({ status }) => status ?? []);

/** An image of one layer more than busybox, under a name of the registry. */
async function makeImage(name: string, content = name): Promise<void> {
  const id = await engine.started({ Cmd: ['sh', '-c', `echo '${content}' > /made`] });
  await engine.wait(id);
  const [repo = '', tag = ''] = name.split(':');
  const answer = await engine.api('POST', `/commit?container=${id}&repo=${registry.host}/${repo}&tag=${tag}`);
  assert.equal(answer.status, 201, answer.text);
  await engine.remove(id);
}

describe('pushing to a registry', () => {
  test('an image that was made here goes there, and comes back the same', async () => {
    await makeImage('made:1', 'hello');
    const { status, messages } = await push('made', 'tag=1');
    assert.equal(status, 200);
    const said = statuses(messages);
    assert.equal(said[0], `The push refers to repository [${registry.host}/made]`);
    assert.equal(said.filter((word) => word === 'Pushed').length, 2);
    const { aux } = messages.find((message) => message.aux)!;
    assert.equal(aux!.Tag, '1');
    assert.ok(said.includes(`1: digest: ${aux!.Digest} size: ${aux!.Size}`));
    const inspected = await engine.api('GET', `/images/${registry.host}/made:1/json`);
    assert.deepEqual(inspected.json.RepoDigests, [`${registry.host}/made@${aux!.Digest}`]);
    assert.equal((await engine.api('DELETE', `/images/${registry.host}/made:1?force=1`)).status, 200);
    const pulled = await engine.daemon.docker(['run', '--rm', `${registry.host}/made@${aux!.Digest}`, 'cat', '/made']);
    assert.equal(pulled.stdout, 'hello\n', pulled.stderr);
  });

  test('layers go out packed, once', async () => {
    await makeImage('packed:1');
    await push('packed', 'tag=1');
    const file = ['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/packed:1`];
    const { stdout } = await engine.daemon.sandbox.run(file);
    const { layers } = JSON.parse(stdout);
    assert.equal(layers.length, 2);
    for (const { mediaType } of layers) assert.match(mediaType, /tar[.+]gzip$/);
    const { messages } = await push('packed', 'tag=1');
    const said = statuses(messages);
    assert.equal(said.filter((word) => word === 'Layer already exists').length, 2);
    assert.ok(!said.includes('Pushed'));
  });

  test('what a neighbouring repository has is mounted', async () => {
    await makeImage('first:1', 'shared');
    await push('first', 'tag=1');
    await engine.api('POST', `/images/${registry.host}/first:1/tag?repo=${registry.host}/second&tag=1`);
    const said = statuses((await push('second', 'tag=1')).messages);
    assert.equal(said.filter((word) => /^Mounted from .*first$/.test(word)).length, 2);
  });

  test('what was pulled goes out under another name with the same digest', async () => {
    await engine.api('POST', `/images/create?fromImage=${registry.host}/busybox&tag=latest`);
    await engine.api('POST', `/images/${registry.host}/busybox:latest/tag?repo=${registry.host}/again&tag=x`);
    const { messages } = await push('again', 'tag=x');
    const { json } = await engine.api('GET', `/images/${registry.host}/busybox:latest/json`);
    const digest = messages.find((message) => message.aux)!.aux!.Digest;
    assert.ok(json.RepoDigests.includes(`${registry.host}/again@${digest}`));
    // An engine without a content store makes the manifest anew.
    if (target === 'wharf') assert.ok(json.RepoDigests.includes(`${registry.host}/busybox@${digest}`));
  });

  test('all tags go without a tag', async () => {
    await makeImage('several:1');
    await engine.api('POST', `/images/${registry.host}/several:1/tag?repo=${registry.host}/several&tag=2`);
    const { messages } = await push('several');
    const tags = messages.flatMap(({ aux }) => aux?.Tag ?? []);
    assert.deepEqual(tags.toSorted(), ['1', '2']);
  });

  test('events tell of each', async () => {
    await makeImage('told:1');
    const since = Date.now() / 1000;
    await push('told', 'tag=1');
    const filters = encodeURIComponent('{"type":["image"],"event":["push"]}');
    const until = Date.now() / 1000 + 0.01;
    const { text } = await engine.api('GET', `/events?since=${since}&until=${until}&filters=${filters}`);
    const event = JSON.parse(text.trim().split('\n').at(-1)!);
    assert.deepEqual(
      [event.Actor.ID, event.Actor.Attributes.name],
      [`${registry.host}/told:1`, `${registry.host}/told`],
    );
  });

  test('a tag that is not here is refused', async () => {
    const { text } = await push('nothing', 'tag=1');
    assert.match(text, /tag does not exist|does not exist locally with the tag/);
    assert.match((await push('nothing')).text, /does not exist locally with the tag/);
  });

  test('a registry that is not there is told of', async () => {
    await engine.api('POST', '/images/busybox/tag?repo=127.0.0.1:1/a&tag=b');
    const answer = await engine.daemon.api('POST', '/images/127.0.0.1:1/a/push?tag=b', undefined, {
      headers: { 'X-Registry-Auth': 'e30=' },
    });
    assert.match(answer.text, /connection refused/);
  });

  test('docker push shows what it does', async () => {
    await makeImage('shown:1');
    const { code, stdout } = await engine.daemon.docker(['push', `${registry.host}/shown:1`]);
    assert.equal(code, 0);
    assert.match(stdout, /^The push refers to repository \[\S+\/shown\]\n/);
    assert.match(stdout, /^[0-9a-f]{12}: Pushed$/m);
    assert.match(stdout, /^1: digest: sha256:[0-9a-f]{64} size: \d+$/m);
  });
});

describe('asking a registry', () => {
  test('what a name stands for, and for which platforms', async () => {
    const { status, json } = await engine.api('GET', `/distribution/${registry.host}/busybox:latest/json`);
    assert.equal(status, 200);
    assert.match(json.Descriptor.digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(json.Platforms[0].os, 'linux');
  });

  test('a login without credentials succeeds where none are asked for', async () => {
    const { status, json } = await engine.api('POST', '/auth', { serveraddress: registry.host });
    assert.equal(status, 200);
    assert.equal(json.Status, 'Login Succeeded');
  });
});
