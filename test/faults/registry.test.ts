import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkImage, manifestType, pushImage, randomBlob, registryImage, sha256 } from '../fixtures/registry-image.ts';
import { repository as checkout } from '../harness/target.ts';

let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'wharf-registry-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

/** A registry as a process of its own, which can be killed. */
class RegistryProcess {
  readonly #child: ChildProcess;
  readonly base: string;

  private constructor(child: ChildProcess, base: string) {
    this.#child = child;
    this.base = base;
  }

  static async start(): Promise<RegistryProcess> {
    const main = join(checkout, 'apps/registry/src/main.ts');
    const args = [main, 'serve', '--root', join(directory, 'root'), '--listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    const base = await new Promise<string>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`the registry ended: ${log}`)));
      child.stderr!.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        const address = /listens on (\S+)/.exec(log)?.[1];
        if (address) resolve(address);
      });
    });
    return new RegistryProcess(child, base);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await ended;
  }
}

/** Every blob that there is has the bytes that its name says. */
function checkBlobs(): void {
  const root = join(directory, 'root/blobs');
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    assert.equal(sha256(new Uint8Array(readFileSync(path))), `sha256:${entry.name}`, basename(dirname(path)));
  }
}

test('kill -9 at any point of a push: what is visible is whole, and the push succeeds afterwards', async () => {
  const layers = [randomBlob(700_000), randomBlob(300_000), randomBlob(10)];
  const first = await RegistryProcess.start();
  const before = registryImage(layers.slice(0, 1));
  assert.ok(await pushImage(first.base, 'kill/app', { image: before, tag: 'before' }));
  await first.kill();
  for (let point = 0; point < 14; point++) {
    const image = registryImage([randomBlob(600_000 + point), ...layers], `round ${point}`);
    const registry = await RegistryProcess.start();
    const push = pushImage(registry.base, 'kill/app', { image, tag: 'next' }).catch(() => false);
    // From before its first byte to after its last: a push takes about 15 ms here.
    await new Promise((resolve) => setTimeout(resolve, point * 1.5));
    await registry.kill();
    const wasAnswered = await push;
    checkBlobs();
    const restarted = await RegistryProcess.start();
    assert.deepEqual(await checkImage(restarted.base, 'kill/app', 'before'), []);
    const { status } = await fetch(`${restarted.base}/v2/kill/app/manifests/${image.digest}`, { method: 'HEAD' });
    if (wasAnswered) assert.equal(status, 200, 'what was acknowledged is there');
    if (status === 200) assert.deepEqual(await checkImage(restarted.base, 'kill/app', image.digest), []);
    assert.ok(await pushImage(restarted.base, 'kill/app', { image, tag: 'next' }));
    assert.deepEqual(await checkImage(restarted.base, 'kill/app', 'next'), []);
    await restarted.kill('SIGTERM');
  }
});

test('an upload goes on where the killed registry had it', async () => {
  const bytes = randomBlob(900_000);
  const first = await RegistryProcess.start();
  const started = await fetch(`${first.base}/v2/kill/resume/blobs/uploads/`, { method: 'POST' });
  const { pathname } = new URL(started.headers.get('location')!, first.base);
  await fetch(first.base + pathname, { method: 'PATCH', body: bytes.slice(0, 400_000) });
  await first.kill();
  const second = await RegistryProcess.start();
  const status = await fetch(second.base + pathname);
  assert.equal(status.headers.get('range'), '0-399999');
  const url = `${second.base}${pathname}?digest=${sha256(bytes)}`;
  const headers = { 'Content-Range': '400000-899999' };
  assert.equal((await fetch(url, { method: 'PUT', headers, body: bytes.slice(400_000) })).status, 201);
  checkBlobs();
  await second.kill('SIGTERM');
});

test('a push that is cut anywhere leaves nothing that can be read', async () => {
  const registry = await RegistryProcess.start();
  const { port } = new URL(registry.base);
  const bytes = randomBlob(200_000);
  const digest = sha256(bytes);
  for (const length of [0, 1, 1000, 65_536, 199_999]) {
    const path = `/v2/cut/app/blobs/uploads/?digest=${digest}`;
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    await new Promise<void>((resolve) => socket.write(bytes.slice(0, length), () => resolve()));
    socket.destroy();
    const head = await fetch(`${registry.base}/v2/cut/app/blobs/${digest}`, { method: 'HEAD' });
    assert.equal(head.status, 404, `after ${length} bytes`);
  }
  checkBlobs();
  assert.ok(await pushImage(registry.base, 'cut/app', { image: registryImage([bytes]), tag: 'v1' }));
  await registry.kill('SIGTERM');
});

test('a hundred clients pull the same at once', async () => {
  const registry = await RegistryProcess.start();
  const image = registryImage([randomBlob(3_000_000), randomBlob(100_000)]);
  assert.ok(await pushImage(registry.base, 'many/app', { image, tag: 'v1' }));
  const problems = await Promise.all(Array.from({ length: 100 }, () => checkImage(registry.base, 'many/app', 'v1')));
  assert.deepEqual(problems.flat(), []);
  const tags = await fetch(`${registry.base}/v2/many/app/tags/list`, { headers: { Accept: manifestType } });
  assert.deepEqual((await tags.json()) as unknown, { name: 'many/app', tags: ['v1'] });
  await registry.kill('SIGTERM');
});
