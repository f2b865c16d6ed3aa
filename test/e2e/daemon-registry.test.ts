import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const host = '127.0.0.1:5005';
const { skip } = wharfOnly();
const engine = useDaemon(skip ? {} : { flags: [`--registry=${host}`] });

async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.daemon.docker(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function skopeo(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.daemon.sandbox.run(['skopeo', '--insecure-policy', ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('the registry in the daemon', wharfOnly(), () => {
  test('takes what the daemon pushes, and gives it to others', async () => {
    await succeed('tag', 'busybox', `${host}/team/app:1`);
    const pushed = await succeed('push', `${host}/team/app:1`);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)![1];
    const inspected = await skopeo('inspect', '--tls-verify=false', `docker://${host}/team/app:1`);
    assert.equal(JSON.parse(inspected).Digest, digest);
  });

  test('gives it back to the daemon', async () => {
    await succeed('rmi', `${host}/team/app:1`);
    const ran = await succeed('run', '--rm', '--network', 'none', `${host}/team/app:1`, 'echo', 'ran');
    assert.equal(ran, 'ran\n');
  });

  test('takes what others push', async () => {
    const from = `docker://${host}/team/app:1`;
    await skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', from, `docker://${host}/team/other:2`);
    await succeed('pull', `${host}/team/other:2`);
    const tags = await skopeo('list-tags', '--tls-verify=false', `docker://${host}/team/other`);
    assert.deepEqual(JSON.parse(tags).Tags, ['2']);
  });

  test('keeps its images below the data root, through a kill of the daemon', async () => {
    const { daemon } = engine;
    const info = JSON.parse(await succeed('info', '--format', 'json'));
    assert.ok(existsSync(join(info.DockerRootDir, 'registry')), readdirSync(info.DockerRootDir).join());
    await daemon.kill();
    await daemon.start();
    await succeed('rmi', `${host}/team/other:2`);
    await succeed('pull', `${host}/team/other:2`);
  });
});
