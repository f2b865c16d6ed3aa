import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { detachable } from './detachable.ts';

function terminal(): { stdio: Duplex; output: PassThrough; typed: () => string; state: { ended: boolean } } {
  const output = new PassThrough();
  const state = { ended: false };
  let typed = '';
  const stdio = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      typed += chunk.toString();
      done();
    },
    final: (done) => {
      state.ended = true;
      done();
    },
  });
  output.on('data', (chunk: Buffer) => stdio.push(chunk));
  return { stdio, output, typed: () => typed, state };
}

test('detach: what was typed before the keys arrives, the output ends, the program sees no end of input', async () => {
  const { stdio, output, typed, state } = terminal();
  let calls = 0;
  const client = detachable(stdio, Buffer.from('\x10\x11'), () => {
    calls += 1;
  });
  output.write('prompt> ');
  const [shown] = (await once(client, 'data')) as [Buffer];
  const ended = once(client, 'end');
  client.write('last words\x10\x11ignored');
  await Promise.all([ended, once(stdio, 'close')]);
  assert.deepEqual([shown.toString(), typed(), calls, state.ended], ['prompt> ', 'last words', 1, false]);
});

test('an end of input without the keys is the program’s end of input', async () => {
  const { stdio, typed, state } = terminal();
  const client = detachable(stdio, Buffer.from('\x10\x11'), () => assert.fail('not detached'));
  client.end('all\x10');
  await once(stdio, 'finish');
  assert.deepEqual([typed(), state.ended], ['all\x10', true]);
});
