import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { busyboxImage, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { dockerSince, target, wharfOnly } from '../harness/target.ts';

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
});

for (const client of ['docker', 'wharf'] as const) {
  describe(`${client} brings what is missing`, client === 'wharf' ? wharfOnly() : {}, () => {
    const call = (...args: string[]) => engine.daemon[client](args);

    test('by pull, with a line for each layer, or the name alone', async () => {
      await registry.copy(busyboxImage('x:1'), `pulled-by-${client}:latest`);
      const name = `${registry.host}/pulled-by-${client}`;
      const { stdout, code } = await call('pull', name);
      assert.equal(code, 0);
      const lines = stdout.trimEnd().split('\n');
      assert.deepEqual(lines.slice(0, 2), ['Using default tag: latest', `latest: Pulling from pulled-by-${client}`]);
      assert.match(lines.at(-3)!, /^Digest: sha256:[0-9a-f]{64}$/);
      assert.deepEqual(lines.slice(-2), [`Status: Downloaded newer image for ${name}:latest`, `${name}:latest`]);
      assert.equal((await call('pull', '-q', name)).stdout, `${name}:latest\n`);
    });

    test('by run, which says so on stderr', async () => {
      const name = `${registry.host}/run-by-${client}:1`;
      await registry.copy(busyboxImage('x:1'), `run-by-${client}:1`);
      const ran = await call('run', '--rm', '--network', 'none', name, 'echo', 'ran');
      assert.equal(ran.stdout, 'ran\n');
      assert.match(
        ran.stderr,
        /^Unable to find image '\S+:1' locally\n1: Pulling from [\s\S]*Status: Downloaded newer image/,
      );
      const again = await call('run', '--rm', '--network', 'none', '--pull', 'always', name, 'true');
      assert.match(again.stderr, /^1: Pulling from [\s\S]*Status: Image is up to date for /);
      assert.equal((await call('rmi', name)).code, 0);
      const never = await call('run', '--rm', '--pull', 'never', name, 'true');
      assert.equal(never.code, 125);
      assert.match(never.stderr, /No such image: /);
    });

    test('of the platform that is asked for', async () => {
      const name = `${registry.host}/busybox:latest`;
      const pulled = await call('pull', '--platform', 'linux/s390x', name);
      assert.match(pulled.stdout + pulled.stderr, /does not match the specified platform/);
      const odd = await call('pull', '--platform', 'linux/s390x/v9/what', name);
      assert.equal(odd.code, 1);
    });

    test('and says why it cannot', async () => {
      const { code, stderr } = await call('pull', `${registry.host}/busybox:latst`);
      assert.equal(code, 1);
      assert.match(stderr, /manifest for \S+:latst not found: manifest unknown/);
    });
  });
}
