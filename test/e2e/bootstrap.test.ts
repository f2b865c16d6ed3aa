import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** What this machine is, and takes its packages from. */
async function thisMachine(): Promise<string> {
  const { stdout } = await run(['sh', '-c', '. /etc/os-release; echo $ID:$VERSION_CODENAME']);
  return stdout.trim();
}

test('a base image comes from packages, the same one each time', wharfOnly(), async () => {
  const source = await thisMachine();
  const make = (tag: string) =>
    engine.daemon.wharf(
      ['image', 'bootstrap', '-q', '--variant', 'extract', '--include', 'busybox-static', '-t', tag, source],
      { timeout: 120_000 },
    );
  const [first, second] = [await make('base:1'), await make('base:2')];
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^sha256:[0-9a-f]{64}\n$/);
  assert.equal(second.stdout, first.stdout);
  const { json } = await engine.api('GET', '/images/base:1/json');
  assert.deepEqual(json.RepoTags, ['base:1', 'base:2']);
  const ran = await engine.daemon.wharf(['run', '--rm', 'base:1', 'busybox', 'echo', 'made of packages']);
  assert.equal(ran.stdout, 'made of packages\n', ran.stderr);
});

test('what cannot be made says why', wharfOnly(), async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await engine.daemon.wharf(['image', 'bootstrap', ...args]);
    assert.equal(code, 1);
    return stderr;
  };
  const [distribution] = (await thisMachine()).split(':');
  assert.match(await refused('bookworm'), /"bookworm" is no distribution and suite, as debian:bookworm is/);
  assert.match(
    await refused('--variant', 'dream', `${distribution}:x`),
    /invalid variant: "dream": must be one of minbase/,
  );
  assert.match(await refused('hurd:sid'), /this machine knows no mirror of hurd: name one with --mirror/);
  assert.match(
    await refused(`${distribution}:no-such-suite`),
    /cannot read http\S+\/dists\/no-such-suite\/InRelease: 404/,
  );
  assert.match(
    await refused('--mirror', 'http://127.0.0.1:1/x', `${distribution}:x`),
    /cannot read http:\/\/127\.0\.0\.1:1/,
  );
});
