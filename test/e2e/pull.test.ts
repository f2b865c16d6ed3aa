import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { dockerSince, target } from '../harness/target.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);

interface Message {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly total?: number };
  readonly error?: string;
  readonly errorDetail?: { readonly message: string };
}

async function pull(query: string, headers: Record<string, string> = {}) {
  const answer = await engine.daemon.api('POST', `/images/create?${query}`, undefined, { headers });
  const messages: Message[] = answer.text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { status: answer.status, text: answer.text, messages };
}

const words = (messages: readonly Message[]) =>
  messages.filter(({ progressDetail }) => !progressDetail?.total).map(({ status }) => status);

describe('pulling from a registry', () => {
  test('an image comes with the words that clients know, and runs', async () => {
    await registry.copy(imageArchive('new:1', [tar([{ name: 'new', content: 'n' }])]), 'new:1');
    const { status, messages } = await pull(`fromImage=${registry.host}/new&tag=1`);
    assert.equal(status, 200);
    const said = words(messages).filter((word) => word !== 'Waiting');
    assert.deepEqual(said.slice(0, 2), ['Pulling from new', 'Pulling fs layer']);
    assert.deepEqual(said.slice(2, -2), ['Verifying Checksum', 'Download complete', 'Pull complete']);
    assert.match(said.at(-2)!, /^Digest: sha256:[0-9a-f]{64}$/);
    assert.equal(said.at(-1), `Status: Downloaded newer image for ${registry.host}/new:1`);
    await pull(`fromImage=${registry.host}/busybox&tag=latest`);
    const { stdout } = await engine.sh('echo pulled', { Image: `${registry.host}/busybox` });
    assert.equal(stdout, 'pulled\n');
    const again = await pull(`fromImage=${registry.host}/busybox&tag=latest`);
    assert.equal(again.messages.at(-1)!.status, `Status: Image is up to date for ${registry.host}/busybox:latest`);
  });

  test('the digest that was told pulls the same image', async () => {
    const { messages } = await pull(`fromImage=${registry.host}/busybox:latest&tag=latest`);
    const digest = messages.find(({ status }) => status?.startsWith('Digest: '))!.status!.slice('Digest: '.length);
    const byDigest = await pull(`fromImage=${registry.host}/busybox&tag=${encodeURIComponent(digest)}`);
    assert.equal(byDigest.messages.at(-1)!.error, undefined);
    const { json } = await engine.api('GET', `/images/${registry.host}/busybox@${digest}/json`);
    assert.ok(json.RepoDigests.includes(`${registry.host}/busybox@${digest}`));
  });

  test('all tags come without a tag', async () => {
    const archive = imageArchive('many:1', [tar([{ name: 'a', content: 'a' }])]);
    await registry.copy(archive, 'many:1');
    await registry.copy(archive, 'many:2');
    const { messages } = await pull(`fromImage=${registry.host}/many`);
    assert.equal(messages.at(-1)!.error, undefined);
    const { json } = await engine.api('GET', `/images/${registry.host}/many:1/json`);
    assert.deepEqual(json.RepoTags, [`${registry.host}/many:1`, `${registry.host}/many:2`]);
  });

  test('the event names tag and repository', dockerSince('20.10'), async () => {
    const since = Date.now() / 1000;
    await pull(`fromImage=${registry.host}/busybox&tag=latest`);
    const filters = encodeURIComponent('{"type":["image"],"event":["pull"]}');
    const { text } = await engine.api(
      'GET',
      `/events?since=${since}&until=${Date.now() / 1000 + 0.01}&filters=${filters}`,
    );
    const event = JSON.parse(text.trim().split('\n').at(-1)!);
    assert.deepEqual(
      [event.Actor.ID, event.Actor.Attributes.name],
      [`${registry.host}/busybox:latest`, `${registry.host}/busybox`],
    );
  });

  const refused: [what: string, query: () => string, status: number, message: RegExp][] = [
    [
      'a tag that is not there',
      () => `fromImage=${registry.host}/busybox&tag=latst`,
      404,
      /^manifest for \S+\/busybox:latst not found: manifest unknown: manifest unknown/,
    ],
    [
      'a name that is none',
      () => 'fromImage=UPPER&tag=x',
      400,
      /^invalid reference format: repository name (\(library\/UPPER\) )?must be lowercase/,
    ],
    ['a tag that is none', () => 'fromImage=a&tag=-', 400, /^invalid (tag|reference) format/],
    [
      'scratch',
      () => 'fromImage=scratch&tag=latest',
      target === 'docker' ? 403 : 400,
      /^'scratch' is a reserved name$/,
    ],
    [
      'a registry that is not there',
      () => 'fromImage=127.0.0.1:1/a&tag=b',
      500,
      /dial tcp 127\.0\.0\.1:1: connect: connection refused/,
    ],
  ];
  for (const [what, query, status, message] of refused) {
    test(`${what} is refused`, async () => {
      const answer = await pull(query());
      assert.equal(answer.status, status, answer.text);
      assert.match(JSON.parse(answer.text).message, message);
    });
  }

  test('docker pull and docker run bring what is missing', async () => {
    const pulled = await engine.daemon.docker(['pull', '-q', `${registry.host}/busybox`]);
    assert.equal(pulled.stdout, `${registry.host}/busybox:latest\n`);
    await registry.copy(imageArchive('x:1', [tar([{ name: 'only', content: 'x' }])]), 'fresh:1');
    const created = await engine.daemon.docker(['create', `${registry.host}/fresh:1`, '/only']);
    assert.match(created.stderr, /Unable to find image '\S+\/fresh:1' locally[\s\S]*Status: Downloaded newer image/);
  });
});
