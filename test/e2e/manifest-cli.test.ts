import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);

before(async () => {
  for (const name of ['a', 'b']) {
    await registry.copy(imageArchive(`${name}:1`, [tar([{ name, content: name }])]), `${name}:1`);
  }
  await registry.copy(imageArchive('oci:1', [tar([{ name: 'o', content: 'o' }])]), 'oci:1', '--format', 'oci');
});

type Client = 'docker' | 'wharf';

/** `@` stands for the registry. Each client has a directory of its own. */
async function call(client: Client, line: string, home: string = client) {
  const env = { DOCKER_CONFIG: join(engine.daemon.sandbox.directory, `manifests-${home}`) };
  const args = line.split(' ').map((word) => word.replace(/^@/, `${registry.host}/`));
  const command = client === 'docker' ? ['docker'] : engine.daemon.wharfCommand.split(' ');
  // The registry listens where the daemon is.
  return engine.daemon.sandbox.run([...command, 'manifest', ...args], { env });
}

const lines = [
  'inspect --insecure @a:1',
  'inspect --insecure -v @a:1',
  'inspect --insecure @oci:1',
  'inspect --insecure @nothing:1',
  'create --insecure @list:1 @nothing:1',
  'create --insecure @list:1 @a:1 @b:1',
  'create --insecure @list:1 @a:1',
  'annotate @list:1 @b:1 --arch arm64 --os linux --variant v8',
  'annotate @list:1 @a:1 --os linux --arch dream',
  'annotate @list:1 @nothing:1 --arch arm64',
  'create --insecure --amend @list:1 @oci:1',
  'inspect @list:1',
  'inspect -v @list:1',
  'inspect @list:1 @b:1',
  'inspect @list:1 @nothing:1',
  'rm @list:1',
  'create --insecure @list:1 @a:1 @b:1',
  'annotate @list:1 @b:1 --arch arm64 --os linux --variant v8',
  'push --insecure @list:1',
  'push --insecure -p @list:1',
  'push --insecure @list:1',
  'rm @list:1',
  'inspect --insecure @list:1',
  'inspect --insecure -v @list:1',
];

describe('docker manifest and wharf manifest say the same', wharfOnly(), () => {
  for (const line of lines) {
    test(line, async () => assert.deepEqual(await call('wharf', line), await call('docker', line)));
  }

  test('and know each other’s lists', async () => {
    await call('docker', 'create --insecure @shared:1 @a:1 @b:1', 'shared');
    await call('wharf', 'annotate @shared:1 @b:1 --arch s390x', 'shared');
    const seen = await call('docker', 'inspect @shared:1', 'shared');
    assert.deepEqual(
      JSON.parse(seen.stdout).manifests.map(
        ({ platform }: { platform: { architecture: string } }) => platform.architecture,
      ),
      ['amd64', 's390x'],
    );
  });

  test('a list that was pushed is pulled for its platform', async () => {
    await call('wharf', 'create --insecure @pulled:1 @a:1 @b:1');
    await call('wharf', 'annotate @pulled:1 @b:1 --arch arm64 --os linux');
    assert.equal((await call('wharf', 'push --insecure @pulled:1')).code, 0);
    const pulled = await engine.daemon.wharf(['pull', '--platform', 'linux/amd64', `${registry.host}/pulled:1`]);
    assert.equal(pulled.code, 0, pulled.stderr);
  });
});
