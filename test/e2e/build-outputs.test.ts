import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { buildx, buildxSince, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';
import { listTar } from '../harness/list-tar.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);
let directories = 0;

function directory(): string {
  const path = join(engine.daemon.sandbox.directory, `outputs${++directories}`);
  mkdirSync(path, { recursive: true });
  return path;
}

const context = (files: Readonly<Record<string, string>>) => buildContext(engine.daemon, files);

async function build(from: string, ...options: string[]): Promise<string> {
  const { code, stderr } = await buildx(engine.daemon, ['buildx', 'build', ...options, from]);
  assert.equal(code, 0, stderr);
  return stderr;
}

async function refused(from: string, ...options: string[]): Promise<string> {
  const { code, stderr } = await buildx(engine.daemon, ['buildx', 'build', ...options, from]);
  assert.notEqual(code, 0, options.join(' '));
  return stderr;
}

/** A manifest, index or config of the registry, as a client that is not ours has it. */
async function raw(name: string, ...options: string[]) {
  const command = ['skopeo', 'inspect', ...options, '--raw', '--tls-verify=false', `docker://${registry.host}/${name}`];
  const { code, stdout, stderr } = await engine.daemon.sandbox.run(command);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const plain = { Dockerfile: 'FROM scratch\nCOPY . /\n', 'a.txt': 'content of a\n', 'dir/b.txt': 'b' };

describe('build outputs: files', () => {
  test('a directory of the client gets the files of a stage', withBuildx, async () => {
    const from = context({
      Dockerfile:
        'FROM busybox AS made\n' +
        'RUN mkdir -p /out/deep && echo hello > /out/deep/file && chmod 640 /out/deep/file && ln -s deep/file /out/link' +
        ' && ln /out/deep/file /out/twin && dd if=/dev/zero of=/out/large bs=1k count=300 2>/dev/null\n' +
        'FROM scratch\nCOPY --from=made /out /\n',
    });
    const to = directory();
    await build(from, '--output', `type=local,dest=${to}`);
    assert.equal(readFileSync(join(to, 'deep/file'), 'utf8'), 'hello\n');
    assert.equal(statSync(join(to, 'deep/file')).mode & 0o777, 0o640);
    assert.equal(readlinkSync(join(to, 'link')), 'deep/file');
    assert.equal(statSync(join(to, 'large')).size, 300 << 10);
    assert.equal(readFileSync(join(to, 'twin'), 'utf8'), 'hello\n');
    assert.ok(lstatSync(join(to, 'deep')).isDirectory());
  });

  test('a path alone is a directory, and nothing is stored', withBuildx, async () => {
    const to = directory();
    await build(context(plain), '-o', to);
    assert.equal(readFileSync(join(to, 'dir/b.txt'), 'utf8'), 'b');
    assert.equal((await engine.api('GET', '/images/json')).json.length, 1);
  });

  test('a tar has the same files', withBuildx, async () => {
    const file = join(directory(), 'files.tar');
    await build(context(plain), '--output', `type=tar,dest=${file}`);
    const names = listTar(readFileSync(file)).map(({ name }) => name);
    assert.deepEqual(names, ['Dockerfile', 'a.txt', 'dir/', 'dir/b.txt']);
  });

  test('several outputs of one build', buildxSince('0.13'), async () => {
    const [to, file] = [directory(), join(directory(), 'both.tar')];
    await build(context(plain), '--output', `type=local,dest=${to}`, '--output', `type=tar,dest=${file}`);
    assert.equal(readFileSync(join(to, 'a.txt'), 'utf8'), 'content of a\n');
    assert.ok(listTar(readFileSync(file)).some(({ name }) => name === 'a.txt'));
  });

  test('SOURCE_DATE_EPOCH is the time of all files', withBuildx, async () => {
    const to = directory();
    await build(context(plain), '--build-arg', 'SOURCE_DATE_EPOCH=86400', '--output', `type=local,dest=${to}`);
    assert.equal(statSync(join(to, 'a.txt')).mtimeMs, 86_400_000);
  });
});

describe('build outputs: images', () => {
  test('a push has what the registry needs, in the media types of OCI or Docker', withBuildx, async () => {
    const from = context({ ...plain, Dockerfile: 'FROM busybox\nCOPY a.txt /\nLABEL pushed=1\n' });
    const name = `${registry.host}/outputs/one:1`;
    await build(from, '-t', name, '--push');
    const { config, layers, mediaType } = await raw('outputs/one:1');
    assert.equal(mediaType, 'application/vnd.oci.image.manifest.v1+json');
    assert.equal(layers.length, (await raw('outputs/one:1', '--config')).rootfs.diff_ids.length);
    assert.match(config.digest, /^sha256:/);
    await build(from, '--output', `type=image,name=${registry.host}/outputs/older:1,push=true,oci-mediatypes=false`);
    const manifest = await raw('outputs/older:1');
    assert.equal(manifest.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
    assert.ok(layers.every(({ mediaType: type }: { mediaType: string }) => type.endsWith('+gzip')));
  });

  test('annotations are where they belong', withBuildx, async () => {
    const from = context(plain);
    const name = `${registry.host}/outputs/noted:1`;
    const output = `type=image,name=${name},push=true,oci-mediatypes=true,annotation.a=b,annotation-manifest.c=d`;
    await build(from, '--output', output);
    assert.deepEqual((await raw('outputs/noted:1')).annotations, { a: 'b', c: 'd' });
  });

  test('archives load again, as docker’s and as OCI’s', withBuildx, async () => {
    const from = context({ ...plain, Dockerfile: 'FROM busybox\nCOPY a.txt /\n' });
    for (const type of ['docker', 'oci']) {
      const file = join(directory(), 'image.tar');
      await build(from, '--output', `type=${type},dest=${file},name=archived:${type}`);
      const names = listTar(readFileSync(file)).map(({ name }) => name);
      assert.ok(names.includes(type === 'docker' ? 'manifest.json' : 'oci-layout'), names.join(' '));
      assert.match(await engine.docker('load', '-i', file), new RegExp(`archived:${type}`));
      assert.equal(await engine.docker('run', '--rm', `archived:${type}`, 'cat', '/a.txt'), 'content of a');
    }
  });

  test('an OCI layout is a directory of the client', withBuildx, async () => {
    const to = directory();
    await build(context(plain), '--output', `type=oci,tar=false,dest=${to}`);
    const index = JSON.parse(readFileSync(join(to, 'index.json'), 'utf8'));
    const [, hash = ''] = index.manifests[0].digest.split(':');
    const manifest = JSON.parse(readFileSync(join(to, 'blobs/sha256', hash), 'utf8'));
    for (const { digest, size } of [manifest.config, ...manifest.layers]) {
      assert.equal(statSync(join(to, 'blobs/sha256', digest.split(':')[1])).size, size);
    }
  });

  test('layers are packed as they are asked for', withBuildx, async () => {
    const name = `${registry.host}/outputs/packed:1`;
    const output = `type=image,name=${name},push=true,oci-mediatypes=true,compression=zstd,force-compression=true`;
    await build(context(plain), '--output', output);
    const { layers } = await raw('outputs/packed:1');
    assert.deepEqual(
      layers.map(({ mediaType }: { mediaType: string }) => mediaType),
      ['application/vnd.oci.image.layer.v1.tar+zstd'],
    );
  });

  test('rewrite-timestamp makes no file younger than SOURCE_DATE_EPOCH', withBuildx, async () => {
    const from = context({ ...plain, Dockerfile: 'FROM busybox\nRUN echo x > /made\n' });
    const epoch = ['--build-arg', 'SOURCE_DATE_EPOCH=86400'];
    await build(from, ...epoch, '--output', 'type=image,name=old:1,load=true,rewrite-timestamp=true');
    assert.equal(await engine.docker('run', '--rm', 'old:1', 'stat', '-c', '%Y', '/made'), '86400');
    const { Created } = (await engine.api('GET', '/images/old:1/json')).json;
    assert.equal(Created, '1970-01-02T00:00:00Z');
  });

  test('what is not known is refused by its name', withBuildx, async () => {
    const from = context(plain);
    const refusals: [string, RegExp][] = [
      ['type=image,name=x,colour=red', /the attribute colour of the exporter image/],
      ['type=image,name=x,compression=lz4', /compression=lz4 of the exporter image/],
      ['type=elsewhere', /the exporter elsewhere/],
      ['type=image,push=true', /tag is needed when pushing/],
    ];
    for (const [output, message] of refusals) assert.match(await refused(from, '--output', output), message);
    for (const [option, message] of [
      ['--cache-to=type=azblob,account_url=http://x', /a build cache of the type azblob/],
      ['--sbom=true', /[Aa]ttestations are not supported/],
    ] as const) {
      assert.match(await refused(from, option, '-t', 'x'), message);
    }
    assert.equal((await engine.api('GET', '/images/x/json')).status, 404);
  });
});
