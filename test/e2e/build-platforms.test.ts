import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const both = 'linux/amd64,linux/s390x';
const crossCompiled = {
  Dockerfile: `FROM --platform=$BUILDPLATFORM busybox AS build
ARG TARGETPLATFORM
ARG TARGETARCH
RUN echo made for $TARGETPLATFORM > /made && uname -m > /builder
FROM scratch
ARG TARGETARCH
ENV ARCH=$TARGETARCH
COPY --from=build /made /builder /
COPY plain /
`,
  plain: 'for all',
};

async function build(directory: string, ...options: string[]): Promise<string> {
  const { code, stderr } = await buildx(engine.daemon, ['buildx', 'build', ...options, directory]);
  assert.equal(code, 0, stderr);
  return stderr;
}

function destination(name: string): string {
  const path = join(engine.daemon.sandbox.directory, name);
  mkdirSync(path);
  return path;
}

describe('a build for several platforms', wharfOnly(), () => {
  test('is an index with a manifest for each, in an OCI layout', withBuildx, async () => {
    const to = destination('layout');
    await build(buildContext(engine.daemon, crossCompiled), '--platform', both, '-o', `type=oci,tar=false,dest=${to}`);
    const blob = (digest: string) => JSON.parse(readFileSync(join(to, 'blobs', digest.replace(':', '/')), 'utf8'));
    const [{ digest }] = JSON.parse(readFileSync(join(to, 'index.json'), 'utf8')).manifests;
    const { manifests } = blob(digest);
    const shown = manifests.map(({ platform, digest: of }: { platform: { architecture: string }; digest: string }) => {
      const config = blob(blob(of).config.digest);
      const env = config.config.Env.find((entry: string) => entry.startsWith('ARCH='));
      return [platform.architecture, config.architecture, env];
    });
    assert.deepEqual(shown, [
      ['amd64', 'amd64', 'ARCH=amd64'],
      ['s390x', 's390x', 'ARCH=s390x'],
    ]);
  });

  test('is a directory for each platform, whose stages of the build platform ran here', withBuildx, async () => {
    const to = destination('files');
    await build(buildContext(engine.daemon, crossCompiled), '--platform', both, '-o', to);
    const read = (path: string) => readFileSync(join(to, path), 'utf8');
    assert.equal(read('linux_amd64/made'), 'made for linux/amd64\n');
    assert.equal(read('linux_s390x/made'), 'made for linux/s390x\n');
    assert.equal(read('linux_s390x/builder'), read('linux_amd64/builder'));
    assert.equal(read('linux_s390x/plain'), 'for all');
  });

  test('is one image of the engine', withBuildx, async () => {
    const directory = buildContext(engine.daemon, crossCompiled);
    await build(directory, '--platform', both, '-t', 'both:1');
    const { json } = await engine.api('GET', '/images/both:1/json');
    assert.equal(json.Architecture, 'amd64');
    const { json: listed } = await engine.api('GET', '/images/json?manifests=1');
    const own = listed.find(({ RepoTags }: { RepoTags: string[] }) => RepoTags?.includes('both:1'));
    assert.equal(own.Manifests.filter(({ Kind }: { Kind: string }) => Kind === 'image').length, 2);
  });
});

describe('a command for another platform', wharfOnly(), () => {
  test('says what is missing where this host cannot run it; files alone need nothing', withBuildx, async () => {
    const base = buildContext(engine.daemon, { Dockerfile: 'FROM scratch\nCOPY f /\nENV a=b\n', f: 'x' });
    await build(base, '--platform', 'linux/mips64le', '-t', 'foreign:1');
    const runs = buildContext(engine.daemon, { Dockerfile: 'FROM foreign:1\nCOPY f /g\nRUN true\n', f: 'x' });
    const command = ['buildx', 'build', '--platform', 'linux/mips64le', runs];
    const { code, stderr } = await buildx(engine.daemon, command);
    assert.notEqual(code, 0);
    assert.match(stderr, /cannot run a command for linux\/mips64le on linux\/\w+: .*qemu-user-static/);
  });

  test('the builder lists what it runs', withBuildx, async () => {
    const { stdout, code } = await buildx(engine.daemon, ['buildx', 'inspect']);
    assert.equal(code, 0);
    assert.match(stdout, /Platforms: +linux\/(amd64|arm64)/);
    assert.doesNotMatch(stdout, /mips64le/);
  });
});
