import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FrameDemuxer } from './stdcopy.ts';

function demux(pieces: readonly Buffer[]): { frames: Map<number, string>; complete: boolean } {
  const frames = new Map<number, string>();
  const demuxer = new FrameDemuxer((stream, payload) => frames.set(stream, (frames.get(stream) ?? '') + payload));
  for (const piece of pieces) demuxer.push(piece);
  return { frames, complete: demuxer.complete };
}

test('frames survive any split', () => {
  const bytes = Buffer.concat([
    encodeFrame(1, 'out'),
    encodeFrame(2, ''),
    encodeFrame(2, 'error'),
    encodeFrame(1, '!'),
  ]);
  const expected = new Map([
    [1, 'out!'],
    [2, 'error'],
  ]);
  for (let size = 1; size <= bytes.length; size++) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    assert.deepEqual(demux(pieces), { frames: expected, complete: true });
  }
});

test('a frame cut short is told', () => {
  assert.equal(demux([encodeFrame(1, 'out').subarray(0, 9)]).complete, false);
  assert.equal(demux([encodeFrame(1, 'out').subarray(0, 3)]).complete, false);
});

test('what is no frame is refused', () => {
  assert.throws(() => demux([Buffer.from('plain text')]), /Unrecognized input header: 112/);
});
