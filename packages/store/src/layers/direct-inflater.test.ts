import { describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { DirectInflater } from './direct-inflater.ts';

function inflate(packed: Buffer, pieceSize: number): Buffer {
  const out: Buffer[] = [];
  const inflater = new DirectInflater((bytes) => out.push(Buffer.from(bytes)));
  try {
    for (let at = 0; at < packed.length; at += pieceSize) inflater.write(packed.subarray(at, at + pieceSize));
    inflater.end();
  } finally {
    inflater.close();
  }
  return Buffer.concat(out);
}

const plain = Buffer.concat([randomBytes(300_000), Buffer.alloc(3_000_000, 'layers '), randomBytes(100)]);
const packed = gzipSync(plain);
const small = gzipSync('small');

describe('inflating on the spot', () => {
  for (const pieceSize of [1, 511, 65_536, packed.length]) {
    test(`in pieces of ${pieceSize}`, () => {
      const from = pieceSize === 1 ? small : packed;
      expect(inflate(from, pieceSize).equals(pieceSize === 1 ? Buffer.from('small') : plain)).toBe(true);
    });
  }

  test('several members, wherever a piece ends', () => {
    const members = Buffer.concat([small, gzipSync(''), gzipSync(' members')]);
    for (let pieceSize = 1; pieceSize <= members.length; pieceSize++) {
      expect(inflate(members, pieceSize).toString()).toBe('small members');
    }
  });

  test('zeros after the end are padding', () => {
    const padded = Buffer.concat([small, Buffer.alloc(1000)]);
    for (const pieceSize of [7, small.length, small.length + 1, padded.length]) {
      expect(inflate(padded, pieceSize).toString()).toBe('small');
    }
  });

  const broken: [what: string, bytes: Buffer, message: RegExp][] = [
    ['cut off', packed.subarray(0, -9), /unexpected end of file/],
    ['cut off in its checksum', packed.subarray(0, -3), /unexpected end of file/],
    ['cut off in its header', packed.subarray(0, 5), /unexpected end of file/],
    ['nothing', Buffer.alloc(0), /unexpected end of file/],
    ['no gzip', Buffer.from('this is text, and not so short'), /incorrect header check/],
    ['wrong in its checksum', changed(packed.length - 6), /incorrect data check/],
    ['wrong in the middle', changed(packed.length - 1500), /invalid|incorrect/],
  ];
  for (const [what, bytes, message] of broken) {
    test(`what is ${what} is refused`, () => {
      for (const pieceSize of [1000, 1 << 20]) expect(() => inflate(bytes, pieceSize)).toThrow(message);
    });
  }
});

function changed(at: number): Buffer {
  const bytes = Buffer.from(packed);
  bytes[at]! ^= 0xff;
  return bytes;
}
