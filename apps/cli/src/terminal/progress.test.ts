import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { MemoryOutput } from './output.ts';
import { progressBar, renderProgress } from './progress.ts';

async function* stream(messages: readonly JsonMessage[]) {
  yield* messages;
}

async function render(messages: readonly JsonMessage[], columns?: number): Promise<string> {
  const output = new MemoryOutput();
  await renderProgress(stream(messages), output, columns);
  return output.text;
}

const pull: JsonMessage[] = [
  { status: 'Pulling from library/app', id: 'latest' },
  { status: 'Pulling fs layer', id: 'aa', progressDetail: {} },
  { status: 'Downloading', id: 'aa', progressDetail: { current: 500_000, total: 1_000_000 } },
  { status: 'Pull complete', id: 'aa', progressDetail: {} },
  { aux: { Tag: 'latest' } },
  { status: 'Status: Downloaded newer image for app:latest' },
];

describe('progress', () => {
  test('elsewhere than on a terminal each step is a line', async () => {
    assert.equal(
      await render(pull),
      'latest: Pulling from library/app\naa: Pulling fs layer\naa: Pull complete\nStatus: Downloaded newer image for app:latest\n',
    );
  });

  test('on a terminal a layer keeps its line', async () => {
    const text = await render(pull, 80);
    assert.equal(text.split('\n').length, 4);
    assert.match(text, /\x1b\[1A\x1b\[2K\raa: Downloading {4}500kB\/1MB\r\x1b\[1B/);
  });

  test('streams are passed on as they are', async () => {
    assert.equal(await render([{ stream: 'Loaded image: app\n' }], 80), 'Loaded image: app\n');
  });

  test('the stream’s error ends the client', async () => {
    await assert.rejects(render([{ errorDetail: { message: 'pull access denied' }, error: 'x' }]), {
      message: 'pull access denied',
      status: 1,
    });
  });

  test('a bar needs room', () => {
    assert.equal(progressBar({ current: 1, total: 2 }, 120), `[${'='.repeat(25)}>${' '.repeat(25)}]       1B/2B`);
    assert.equal(progressBar({ current: 3, total: 2 }, 80), '      3B');
    assert.equal(progressBar({ current: 5, units: 's' }, 80), '     5 s');
    assert.equal(progressBar({}, 80), '');
  });
});
