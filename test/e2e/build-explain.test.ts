import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { BuildExplanation } from '@wharf/api/build-history';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();
let contexts = 0;

class Context {
  readonly directory = join(engine.daemon.sandbox.directory, `explain${++contexts}`);

  constructor(files: Readonly<Record<string, string>>) {
    this.write(files);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.directory, path)), { recursive: true });
      writeFileSync(join(this.directory, path), text);
    }
  }

  /** Answers what `--explain` has said. */
  async build(...options: string[]): Promise<string> {
    const { stderr } = await engine.daemon.wharf(['build', '--explain', '-q', ...options, this.directory]);
    return stderr;
  }
}

async function explanation(ref = '^0'): Promise<BuildExplanation> {
  const { status, json } = await engine.api('GET', `/build/history/${encodeURIComponent(ref)}/explain`);
  assert.equal(status, 200);
  return json;
}

const dockerfile = `FROM busybox
ARG MODE
WORKDIR /app
COPY src src
RUN ls src > list
RUN echo "$MODE" > mode
`;

describe('explain', () => {
  test('a first build, and the same again', async () => {
    const context = new Context({ Dockerfile: dockerfile, 'src/a': 'a', 'src/b': 'b' });
    const first = await context.build('-t', 'explain:1');
    assert.match(first, /RUN ls src > list: RAN \d+\.\ds\n {2}there is no earlier build of this to compare with\n/);
    const again = await context.build('-t', 'explain:1');
    assert.match(again, /RUN ls src > list: CACHED\n {2}nothing that it depends on has changed\n/);
    assert.match(again, /^Build [0-9a-z]+ \(explain:1\), compared with [0-9a-z]+\n/m);
  });

  test('files that changed are named, and what lies above them says so', async () => {
    const context = new Context({ Dockerfile: dockerfile, 'src/a': 'a', 'src/b': 'b' });
    await context.build('-t', 'explain:2');
    context.write({ 'src/a': 'another', 'src/new': 'n' });
    rmSync(join(context.directory, 'src/b'));
    const said = await context.build('-t', 'explain:2');
    assert.match(
      said,
      /COPY src src: RAN .*\n {2}src\/a changed and 2 more\n {4}src\/a changed\n {4}src\/b was removed\n {4}src\/new was added\n/,
    );
    assert.match(said, /RUN ls src > list: RAN .*\n {2}its input \[\d\/\d\] COPY src src ran again\n/);
  });

  test('variables, commands, --no-cache and a pruned cache', async () => {
    const context = new Context({ Dockerfile: dockerfile, 'src/a': 'a' });
    await context.build('-t', 'explain:3', '--build-arg', 'MODE=fast');
    const variable = await context.build('-t', 'explain:3', '--build-arg', 'MODE=slow');
    assert.match(variable, /RUN ls src > list: RAN .*\n {2}the variable MODE changed\n/);
    context.write({ Dockerfile: dockerfile.replace('> list', '> listing') });
    const command = await context.build('-t', 'explain:3', '--build-arg', 'MODE=slow');
    assert.match(command, /the command changed\n {4}was: RUN ls src > list\n {4}now: RUN ls src > listing\n/);
    const forced = await context.build('-t', 'explain:3', '--no-cache');
    assert.match(forced, /COPY src src: RAN .*\n {2}it was told to leave the cache alone \(--no-cache/);
    await engine.api('DELETE', '/images/explain:3?force=1');
    await engine.api('POST', '/build/prune?all=1');
    const pruned = await context.build('-t', 'explain:3');
    assert.match(
      pruned,
      /WORKDIR \/app: RAN .*\n {2}nothing has changed, but its result is no longer in the cache: it was pruned\n/,
    );
  });

  test('a base image that is another', async () => {
    const base = new Context({ Dockerfile: 'FROM busybox\nARG V\nRUN echo "$V" > /v\n' });
    const context = new Context({ Dockerfile: 'FROM explain-base\nRUN cat /v > /w\n' });
    await base.build('-t', 'explain-base', '--build-arg', 'V=1');
    const before = (await engine.api('GET', '/images/explain-base/json')).json.Id;
    await context.build('-t', 'explain:4');
    await base.build('-t', 'explain-base', '--build-arg', 'V=2');
    const after = (await engine.api('GET', '/images/explain-base/json')).json.Id;
    const said = await context.build('-t', 'explain:4');
    const changed = `the base image docker.io/library/explain-base:latest changed\n    was: ${before}\n    now: ${after}\n`;
    assert.ok(said.includes(changed), said);
  });

  test('a step that failed', async () => {
    const context = new Context({ Dockerfile: 'FROM busybox\nRUN echo one\nRUN exit 3\n' });
    const said = await context.build('-t', 'explain:5');
    assert.match(said, /RUN exit 3: FAILED .*\n.*\n {2}it failed: process .* exit code: 3\n/);
    context.write({ Dockerfile: 'FROM busybox\nRUN echo one\nRUN exit 0\n' });
    assert.match(await context.build('-t', 'explain:5'), /RUN exit 0: RAN .*\n {2}the command changed\n/);
  });

  test('wharf build explain tells of any build, also as JSON', async () => {
    const { Ref } = await explanation();
    const text = await engine.daemon.wharf(['build', 'explain', Ref.slice(0, 10)]);
    assert.match(text.stdout, /RUN echo one: CACHED\n/);
    const { stdout } = await engine.daemon.wharf(['builder', 'explain', '--format', 'json', Ref]);
    const { Steps } = JSON.parse(stdout) as BuildExplanation;
    assert.deepEqual(
      Steps.map(({ Reasons }) => Reasons[0]?.Kind),
      ['unchanged', 'unchanged', 'command'],
    );
    const { stderr, code } = await engine.daemon.wharf(['build', 'explain', 'nobody']);
    assert.equal(code, 1);
    assert.match(stderr, /no record found for ref "nobody"/);
  });

  test('builds of buildx are explained: the context by its files, stages by their names', withBuildx, async () => {
    const context = new Context({
      Dockerfile: 'FROM busybox AS made\nCOPY in /in\nRUN cp /in /out\nFROM busybox\nCOPY --from=made /out /out\n',
      in: '1',
    });
    const build = () => buildx(engine.daemon, ['buildx', 'build', '-t', 'explain:6', context.directory]);
    assert.equal((await build()).code, 0);
    context.write({ in: '2' });
    assert.equal((await build()).code, 0);
    const { Steps } = await explanation();
    const reasons = new Map(Steps.map(({ Name, Reasons }) => [Name, Reasons.map(({ Text }) => Text)]));
    assert.deepEqual(reasons.get('[made 2/3] COPY in /in'), ['in changed']);
    assert.deepEqual(reasons.get('[made 3/3] RUN cp /in /out'), ['its input [made 2/3] COPY in /in ran again']);
    assert.deepEqual(reasons.get('[stage-1 2/2] COPY --from=made /out /out'), [
      'out changed of [made 3/3] RUN cp /in /out',
    ]);
  });
});
