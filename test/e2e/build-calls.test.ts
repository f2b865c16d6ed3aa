import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();
const dockerfile = `# syntax=docker/dockerfile:1
# base is what all have
FROM busybox AS base
# WHO is greeted
ARG WHO=world
RUN --mount=type=secret,id=token,required echo $WHO > /greeted

# app is what runs
FROM base as app
MAINTAINER somebody
`;

/** What a build says instead of building: nothing of it runs. */
async function asked(call: string, ...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const directory = buildContext(engine.daemon, { Dockerfile: dockerfile });
  const command = ['buildx', 'build', `--print=${call}`, ...options, directory];
  return await buildx(engine.daemon, command, { BUILDX_EXPERIMENTAL: '1' });
}

describe('questions about a Dockerfile', () => {
  test('its targets', withBuildx, async () => {
    const { code, stdout, stderr } = await asked('targets');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^TARGET +DESCRIPTION\n/m);
    assert.match(stdout, /^base +is what all have$/m);
    assert.match(stdout, /^app \(default\) +is what runs$/m);
  });

  test('the arguments and secrets of a target', withBuildx, async () => {
    const { code, stdout, stderr } = await asked('outline', '--target', 'base');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^TARGET: +base$/m);
    assert.match(stdout, /^WHO +world +is greeted$/m);
    assert.match(stdout, /^token +true$/m);
  });

  test('what its check finds, with places', withBuildx, async () => {
    const { stdout } = await asked('lint');
    const found = [...stdout.matchAll(/^WARNING: (\w+)[\s\S]*?^Dockerfile:(\d+)$/gm)].map(([, rule, line]) => [
      rule,
      line,
    ]);
    assert.deepEqual(found.sort(), [
      ['FromAsCasing', '9'],
      ['MaintainerDeprecated', '10'],
    ]);
    assert.match(stdout, /^ {3}9 \| >>> FROM base as app$/m);
  });
});
