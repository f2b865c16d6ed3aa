import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { emptyDaemon, imageId, wharfBuild } from '../harness/cache-daemons.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);

/** What a command makes differs each time: the same image on two machines is one that was made once. */
const random = 'RUN head -c 16 /dev/urandom > ';

function stages(base = `${registry.host}/busybox`): Record<string, string> {
  return {
    Dockerfile:
      `FROM ${base} AS made\n${random}/first\nCOPY a /a\n${random}/made\n` +
      `FROM ${base}\n${random}/below\nCOPY --from=made /made /made\nCOPY b /b\nENV X=1\n${random}/last\n`,
    a: 'of stage one',
    b: 'of stage two',
  };
}

/** Names of steps that ran, as the progress has them. */
function ran(progress: string): string[] {
  const lines = progress.split('\n');
  return lines.flatMap((line) => {
    const [, number, name] = /^#(\d+) \[.*?\d+\/\d+\] (RUN .*)$/.exec(line) ?? [];
    return name === undefined || lines.includes(`#${number} CACHED`) ? [] : [name];
  });
}

describe('caches of builds: registries', () => {
  const kinds = [
    { name: 'inline', to: () => 'type=inline', from: 'inline-image' },
    { name: 'min', to: (ref: string) => `type=registry,ref=${ref}`, from: 'min' },
    { name: 'max', to: (ref: string) => `type=registry,ref=${ref},mode=max`, from: 'max' },
    { name: 'index', to: (ref: string) => `type=registry,ref=${ref},mode=max,image-manifest=false`, from: 'index' },
    {
      name: 'zstd',
      to: (ref: string) => `type=registry,ref=${ref},compression=zstd,force-compression=true`,
      from: 'zstd',
    },
    { name: 'plain', to: (ref: string) => `type=registry,ref=${ref},compression=uncompressed`, from: 'plain' },
    { name: 'docker', to: (ref: string) => `type=registry,ref=${ref},oci-mediatypes=false`, from: 'docker' },
  ];
  for (const { name, to, from } of kinds) {
    test(`${name}: a daemon that has nothing runs nothing again`, async () => {
      const context = buildContext(engine.daemon, { ...stages(), b: name });
      const cache = `${registry.host}/cache:${from}`;
      const image = `${registry.host}/cache:inline-image`;
      const push = name === 'inline' ? ['--push'] : [];
      // An image that has its cache in itself is another than one that has not.
      const alike = name === 'inline' ? ['--cache-to', 'type=inline'] : [];
      await wharfBuild(engine.daemon, context, '-t', image, '--no-cache', ...push, '--cache-to', to(cache));
      await using other = await emptyDaemon(engine);
      const options = ['-t', image, '--cache-from', `type=registry,ref=${cache}`, ...alike];
      const progress = await wharfBuild(other, context, ...options);
      assert.deepEqual(ran(progress), [], progress);
      assert.match(progress, /importing cache manifest from/);
      assert.equal(await imageId(other, image), await imageId(engine.daemon, image));
      // It knows them by itself from now on.
      assert.deepEqual(ran(await wharfBuild(other, context, '-t', image, '--cache-from', cache)), []);
    });
  }
});

describe('caches of builds: directories of the client', () => {
  for (const mode of ['min', 'max']) {
    test(`${mode}: a daemon that has nothing runs nothing again`, async () => {
      const context = buildContext(engine.daemon, { ...stages(), b: `local ${mode}` });
      const cache = join(engine.daemon.sandbox.directory, `cache-${mode}`);
      const image = `local:${mode}`;
      await wharfBuild(engine.daemon, context, '-t', image, '--cache-to', `type=local,dest=${cache},mode=${mode}`);
      await using other = await emptyDaemon(engine);
      const progress = await wharfBuild(other, context, '-t', image, '--cache-from', `type=local,src=${cache}`);
      assert.deepEqual(ran(progress), [], progress);
      assert.equal(await imageId(other, image), await imageId(engine.daemon, image));
    });
  }

  test('a layer that is another one is told of and made again', async () => {
    const context = buildContext(engine.daemon, { ...stages(), b: 'broken' });
    const cache = join(engine.daemon.sandbox.directory, 'cache-broken');
    await wharfBuild(engine.daemon, context, '-t', 'local:broken', '--cache-to', `type=local,dest=${cache}`);
    const { manifests } = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8'));
    const blob = (digest: string) => join(cache, 'blobs', 'sha256', digest.slice('sha256:'.length));
    const { layers } = JSON.parse(readFileSync(blob(manifests[0].digest), 'utf8'));
    for (const { digest, size } of layers) writeFileSync(blob(digest), Buffer.alloc(size, 'x'));
    await using other = await emptyDaemon(engine);
    const progress = await wharfBuild(other, context, '--cache-from', `type=local,src=${cache}`);
    assert.ok(ran(progress).length > 0, progress);
  });

  test('a directory without a cache is none', async () => {
    const context = buildContext(engine.daemon, { Dockerfile: `FROM ${registry.host}/busybox\n${random}/x\n` });
    await wharfBuild(engine.daemon, context, '--cache-from', 'type=local,src=/no/such/cache');
  });
});
