import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlobRanges } from './blob-ranges.ts';

describe('ranges of a blob', () => {
  test('halves are given away until they are not worth it', () => {
    const ranges = new BlobRanges(100);
    const first = ranges.unfinished[0]!;
    first.done = 20;
    const second = ranges.split(10)!;
    assert.deepEqual([first.end, second.start, second.end], [60, 60, 100]);
    const third = ranges.split(10)!;
    assert.deepEqual([third.start, third.end], [40, 60]);
    assert.equal(ranges.split(30), undefined);
    second.done = 100;
    assert.deepEqual([ranges.received, ranges.contiguous, ranges.isWhole], [60, 20, false]);
    first.done = 40;
    third.done = 60;
    assert.deepEqual([ranges.received, ranges.contiguous, ranges.isWhole], [100, 100, true]);
  });

  test('what was fetched is known again', () => {
    const ranges = new BlobRanges(100);
    ranges.unfinished[0]!.done = 10;
    ranges.split(10)!.done = 70;
    const again = BlobRanges.restore(100, ranges.encode(), 100);
    assert.deepEqual([again.received, again.contiguous], [25, 10]);
    again.forgetGaps();
    assert.deepEqual([again.received, again.unfinished.length], [10, 1]);
  });

  const rows: [text: string | undefined, fileSize: number][] = [
    [undefined, 100],
    ['', 100],
    ['[]', 100],
    ['[[0,100]]', 100],
    ['[[0,90,10]]', 100],
    ['[[0,100,50]]', 40],
    ['[[0,100,-5]]', 100],
    ['[[0,50,20],[60,100,60]]', 100],
    ['[[0,50,60],[50,100,50]]', 100],
  ];
  for (const [text, fileSize] of rows) {
    test(`nothing is believed of ${text} with ${fileSize} bytes`, () => {
      assert.equal(BlobRanges.restore(100, text, fileSize).received, 0);
    });
  }
});
