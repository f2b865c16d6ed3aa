import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { repository } from '../harness/target.ts';

const execute = promisify(execFile);

/** What the stock client has and wharf has not, and why; `*` is every command. */
const missing: Readonly<Record<string, string>> = {
  '* --disable-content-trust': 'Notary v1 is no more; taken without a word where it is harmless',
  '* --cpu-count': 'Windows only; taken, and not shown',
  '* --cpu-percent': 'Windows only; taken, and not shown',
  '* --io-maxbandwidth': 'Windows only; taken, and not shown',
  '* --io-maxiops': 'Windows only; taken, and not shown',
  '* --time': 'the former name of --timeout; taken, and not shown',
  '* --kernel-memory': 'gone from the kernel and from the API since 1.42',
};

const groups = ['container', 'checkpoint'];
/** Commands about containers that stand for themselves too, and what shows what happens to them. */
const single =
  'attach commit cp create diff events exec export inspect kill logs pause port ps rename restart rm run start stats stop top unpause update wait'.split(
    ' ',
  );

interface Help {
  readonly commands: readonly string[];
  readonly flags: readonly string[];
}

async function helpOf(client: readonly string[], words: readonly string[]): Promise<Help> {
  const [program = '', ...given] = client;
  // Without a daemon: what the client itself knows.
  const env = { ...process.env, DOCKER_HOST: 'unix:///nowhere', DOCKER_API_VERSION: '' };
  const { stdout } = await execute(program, [...given, ...words, '--help'], { env });
  assert.match(stdout, /^\s*Usage:/);
  const below = stdout.split(/^Commands:$/m)[1] ?? '';
  return {
    commands: [...below.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name!),
    flags: [...stdout.matchAll(/^ +(?:-(\w), )?--([\w-]+)/gm)].flatMap(([, short, long]) => [
      `--${long}`,
      ...(short === undefined ? [] : [`-${short}`]),
    ]),
  };
}

const wharf = [process.execPath, join(repository, 'apps/cli/src/main.ts')];

async function lackingFlags(words: readonly string[]): Promise<string[]> {
  const [docker, own] = await Promise.all([helpOf(['docker'], words), helpOf(wharf, words)]);
  const known = new Set([...own.flags, '--help', '-h']);
  return docker.flags.filter((flag) => !known.has(flag) && !(`* ${flag}` in missing));
}

describe('wharf has every flag of docker’s for containers', () => {
  for (const group of groups) {
    test(group, async (t) => {
      const known = await helpOf(['docker'], [group]).catch(() => undefined);
      // An older client shows experimental ones only where its daemon has them.
      if (known === undefined) return t.skip(`this docker has no ${group}`);
      const [docker, own] = [known, await helpOf(wharf, [group])];
      assert.ok(docker.commands.length > 0);
      assert.deepEqual(
        docker.commands.filter((name) => !own.commands.includes(name)),
        [],
      );
      const lacking: Record<string, string[]> = {};
      for (const name of docker.commands) {
        const flags = await lackingFlags([group, name]);
        if (flags.length > 0) lacking[name] = flags;
      }
      assert.deepEqual(lacking, {});
    });
  }

  test('without their group', async () => {
    const lacking: Record<string, string[]> = {};
    for (const name of single) {
      const flags = await lackingFlags([name]);
      if (flags.length > 0) lacking[name] = flags;
    }
    assert.deepEqual(lacking, {});
  });
});
