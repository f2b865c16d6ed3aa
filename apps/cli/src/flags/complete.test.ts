import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestCli } from '../test-cli.ts';
import { complete } from './complete.ts';

// No daemon answers here: what needs one offers nothing, and at once.
async function offer(line: string): Promise<string[]> {
  const { cli, out } = createTestCli({ host: 'unix:///nowhere.sock', names: () => ['HOME', 'PATH'] });
  await complete(cli, line.split(' '));
  return out.text
    .split('\n')
    .filter(Boolean)
    .map((answer) => answer.split('\t')[0] ?? '');
}

describe('completion', () => {
  const rows: [line: string, expected: string[]][] = [
    ['ru', ['run']],
    ['container st', ['start', 'stats', 'stop']],
    ['run --pull m', ['missing']],
    ['run --pull=m', ['--pull=missing']],
    ['run --health-c', ['--health-cmd']],
    ['run --kernel', []],
    ['run -it --restart un', ['unless-stopped']],
    ['run -e H', ['HOME']],
    ['run app --pu', []],
    ['run --env-file ', [':files']],
    ['load -i ', [':files']],
    ['-H unix:///x completion z', ['zsh']],
    ['completion bash ', []],
    ['stop ', []],
    ['dream ', []],
    ['ps --format t', ['table']],
  ];
  for (const [line, expected] of rows) test(line, async () => assert.deepEqual(await offer(line), expected));
});
