import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { platformsArchive } from '../fixtures/oci-archive.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { comparedDocker, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);

/** What the registry has under a name, asked by somebody else. */
async function raw(name: string) {
  const argv = ['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/${name}`];
  const { code, stdout, stderr } = await engine.daemon.sandbox.run(argv);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

async function load(name: string, present: string[], absent: string[] = []): Promise<string> {
  const reference = `${registry.host}/${name}`;
  await engine.load(platformsArchive(reference, { present, absent }));
  return (await engine.api('GET', `/images/${reference}/json`)).json.Id;
}

const architectures = ({ manifests }: { manifests: { platform: { architecture: string } }[] }) =>
  manifests.map(({ platform }) => platform.architecture);

for (const client of ['docker', 'wharf'] as const) {
  describe(`${client} and images for several platforms`, wharfOnly(), () => {
    const named = client === 'docker' ? comparedDocker() : {};
    const call = (...args: string[]) => engine.daemon[client](args);

    test('all of it goes, under the same digest', async () => {
      const name = `whole-${client}:1`;
      const id = await load(name, ['amd64', 'arm64']);
      const { code, stdout, stderr } = await call('push', `${registry.host}/${name}`);
      assert.equal(code, 0, stderr);
      assert.ok(stdout.includes(`1: digest: ${id} `), stdout);
      assert.deepEqual(architectures(await raw(name)), ['amd64', 'arm64']);
    });

    test('one of them goes where it is named, and comes back', named, async () => {
      const name = `one-${client}:1`;
      await load(name, ['amd64', 'arm64', 's390x']);
      const { code, stderr } = await call('push', '--platform', 'linux/arm64', `${registry.host}/${name}`);
      assert.equal(code, 0, stderr);
      const { config, manifests } = await raw(name);
      assert.equal(manifests, undefined);
      await call('rmi', `${registry.host}/${name}`);
      const pulled = await call('pull', '--platform', 'linux/arm64', `${registry.host}/${name}`);
      assert.equal(pulled.code, 0, pulled.stderr);
      assert.doesNotMatch(pulled.stdout, /does not match/);
      const { json } = await engine.api('GET', `/images/${registry.host}/${name}/json`);
      assert.equal(json.Architecture, 'arm64');
      assert.match(config.digest, /^sha256:/);
    });

    test('one that is not in it is refused', named, async () => {
      const name = `none-${client}:1`;
      await load(name, ['amd64']);
      const { code, stderr } = await call('push', '--platform', 'linux/riscv64', `${registry.host}/${name}`);
      assert.equal(code, 1);
      assert.match(stderr, /image was found but its platform does not match the specified platform \(linux\/riscv64\)/);
    });

    test('the only one that is here goes instead of the index, and that is said', async () => {
      const name = `only-${client}:1`;
      await load(name, ['amd64'], ['arm64']);
      const { code, stdout, stderr } = await call('push', `${registry.host}/${name}`);
      assert.equal(code, 0, stderr);
      assert.match(
        stdout + stderr,
        /Not all multiplatform-content is present and only the available single-platform image was pushed/,
      );
      assert.equal((await raw(name)).manifests, undefined);
    });

    test('an index of which parts are missing is refused, with what to do', async () => {
      const name = `parts-${client}:1`;
      await load(name, ['amd64', 's390x'], ['arm64']);
      const { code, stderr } = await call('push', `${registry.host}/${name}`);
      assert.equal(code, 1);
      assert.match(stderr, /missing content: .*not found[\s\S]*--platform flag/);
    });
  });
}
