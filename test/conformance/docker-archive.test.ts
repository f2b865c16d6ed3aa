import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { openContentImageStore } from '@wharf/store/images/content-image-store';
import { openDatabase } from '@wharf/store/metadata/database';
import { busyboxImage } from '../fixtures/image.ts';
import { openRequest, request } from '../harness/http.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';

const signal = new AbortController().signal;

/** The machine's own dockerd, in a sandbox. */
class Dockerd {
  readonly #sandbox: Sandbox;
  readonly #socket: string;
  readonly #ended: Promise<unknown>;

  private constructor(sandbox: Sandbox) {
    const { directory } = sandbox;
    this.#sandbox = sandbox;
    this.#socket = join(directory, 'docker.sock');
    const roots = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
    const flags = [
      '-H',
      `unix://${this.#socket}`,
      '--pidfile',
      join(directory, 'pid'),
      '--bridge=none',
      '--iptables=false',
    ];
    const [command = '', ...words] = sandbox.enter(['dockerd', ...roots, ...flags]);
    this.#ended = once(spawn(command, words, { stdio: 'ignore' }), 'exit');
  }

  static async start(sandbox: Sandbox): Promise<Dockerd> {
    const dockerd = new Dockerd(sandbox);
    for (const deadline = Date.now() + 30_000; ; ) {
      const answer = await dockerd.api('GET', '/_ping').catch(() => undefined);
      if (answer?.status === 200) return dockerd;
      assert.ok(Date.now() < deadline, 'dockerd does not answer');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  api(method: string, url: string, body?: unknown) {
    const headers = { Connection: 'close', ...(Buffer.isBuffer(body) && { 'Content-Type': 'application/x-tar' }) };
    return request(this.#socket, method, url, { headers, ...(body !== undefined && { body }) });
  }

  async bytes(url: string): Promise<Buffer> {
    const open = await openRequest(this.#socket, 'GET', url, { headers: { Connection: 'close' } });
    assert.equal(open.status, 200);
    const chunks: Buffer[] = [];
    for await (const chunk of open.body) chunks.push(chunk);
    open.socket.destroy();
    return Buffer.concat(chunks);
  }

  /** Runs a shell command in a container of the image and makes an image of what it left. */
  async step(from: string, command: string, to: string): Promise<void> {
    const created = await this.api('POST', '/containers/create', {
      Image: from,
      Cmd: ['sh', '-c', command],
      HostConfig: { NetworkMode: 'none' },
    });
    assert.equal(created.status, 201, created.text);
    const { Id } = created.json;
    const started = await this.api('POST', `/containers/${Id}/start`);
    assert.equal(started.status, 204, started.text);
    assert.equal((await this.api('POST', `/containers/${Id}/wait`)).json.StatusCode, 0);
    const [repo, tag] = to.split(':');
    assert.equal((await this.api('POST', `/commit?container=${Id}&repo=${repo}&tag=${tag}`, {})).status, 201);
    await this.api('DELETE', `/containers/${Id}`);
  }

  async stop(): Promise<void> {
    await this.#sandbox.run(['sh', '-c', `kill "$(cat ${join(this.#sandbox.directory, 'pid')})"`]);
    await this.#ended;
  }
}

function openStore(directory: string) {
  mkdirSync(directory);
  const database = openDatabase(join(directory, 'meta.db'));
  const store = openContentImageStore({ database, dataRoot: directory });
  return {
    store,
    load: (archive: Buffer) => store.load(Readable.from([archive]), { quiet: true, signal }, () => undefined),
    save: async (...names: string[]) => Buffer.concat(await (await store.save(names, { signal })).toArray()),
    async [Symbol.asyncDispose]() {
      await store.close();
      database.close();
    },
  };
}

const changes = [
  'rm -rf /data /bin/false; mkdir /data; echo new > /data/new; chmod 4711 /bin/busybox; ln /etc/passwd /etc/hard',
  'mkfifo /pipe; mknod /null c 1 3; chown 12345:54321 /data/new; touch -d @1.5 /etc/group; rm /etc/hard',
  `mkdir -p /${'long/'.repeat(40)}; echo x > "/${'long/'.repeat(40)}größe"; ln -s ../../../.. /up`,
];

test('dockerd: its archives come and go without a changed byte, and it takes ours', { timeout: 120_000 }, async () => {
  const sandbox = await openSandbox();
  try {
    const dockerd = await Dockerd.start(sandbox);
    assert.equal((await dockerd.api('POST', '/images/load', busyboxImage('step:0'))).status, 200);
    for (const [index, change] of changes.entries()) await dockerd.step(`step:${index}`, change, `step:${index + 1}`);
    await dockerd.api('POST', '/images/step:3/tag?repo=other/name&tag=x');
    const theirs = (await dockerd.api('GET', '/images/step:3/json')).json;
    const archive = await dockerd.bytes('/images/get?names=step:3&names=other/name:x&names=step:1');

    await using ours = openStore(join(sandbox.directory, 'ours'));
    await ours.load(archive);
    const image = ours.store.resolve('step:3');
    assert.equal(image.configDigest, theirs.Id);
    assert.deepEqual(image.diffIds, theirs.RootFS.Layers);
    assert.deepEqual(image.repoTags, ['other/name:x', 'step:3']);
    assert.equal(ours.store.resolve(theirs.Id).id, image.id);

    const saved = await ours.save('step:3', 'other/name:x', 'step:1');
    writeFileSync(join(sandbox.directory, 'saved.tar'), saved);
    for (const name of ['step:3', 'other/name:x', 'step:2', 'step:1', 'step:0']) {
      await dockerd.api('DELETE', `/images/${name}?force=1`);
    }
    assert.deepEqual((await dockerd.api('GET', '/images/json?all=1')).json, []);
    const loaded = await dockerd.api('POST', '/images/load', saved);
    for (const name of ['step:3', 'other/name:x', 'step:1'])
      assert.match(loaded.text, new RegExp(`Loaded image: ${name}`));
    assert.equal((await dockerd.api('GET', '/images/other/name:x/json')).json.Id, theirs.Id);

    await using again = openStore(join(sandbox.directory, 'again'));
    await again.load(await dockerd.bytes('/images/step:3/get'));
    assert.equal(again.store.resolve('step:3').id, image.id);
    await dockerd.stop();
  } finally {
    await sandbox.close();
  }
});
