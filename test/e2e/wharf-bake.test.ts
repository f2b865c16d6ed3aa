import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

async function bake(...words: string[]) {
  const directory = join(engine.daemon.sandbox.directory, 'bake');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'Dockerfile'), 'FROM busybox\nARG WHO=nobody\nRUN echo hello $WHO > /who\n');
  const file = join(directory, 'bake.json');
  writeFileSync(
    file,
    JSON.stringify({
      variable: { TAG: { default: 'first' } },
      group: { default: { targets: ['one', 'two'] } },
      target: {
        base: { context: directory, args: { WHO: 'base' } },
        one: { inherits: ['base'], tags: [`bake:one-${'$'}{TAG}`] },
        two: { inherits: ['base'], tags: ['bake:two'], args: { WHO: 'two' } },
      },
    }),
  );
  return engine.daemon.wharf(['buildx', 'bake', '-f', file, ...words]);
}

async function said(name: string): Promise<string> {
  return (await engine.daemon.docker(['run', '--rm', name, 'cat', '/who'])).stdout;
}

describe('wharf buildx bake', () => {
  test('builds the targets of the default group, with what they inherit', async () => {
    const { code, stderr } = await bake();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\[one 2\/2\] RUN/);
    assert.match(stderr, /\[two 2\/2\] RUN/);
    assert.equal(await said('bake:one-first'), 'hello base\n');
    assert.equal(await said('bake:two'), 'hello two\n');
  });

  test('--print with --set', async () => {
    const { stdout } = await bake('--print', '--set', '*.args.WHO=set', '--set', 'two.tags=x', 'two');
    const { group, target } = JSON.parse(stdout);
    assert.deepEqual(group, { default: { targets: ['two'] } });
    assert.deepEqual([target.two.args.WHO, target.two.tags], ['set', ['x']]);
  });

  test('a target that there is none of', async () => {
    const { code, stderr } = await bake('dream');
    assert.deepEqual([code, stderr], [1, 'ERROR: failed to find target dream\n']);
  });
});
