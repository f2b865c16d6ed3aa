import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeHeaders, HeaderDecoder } from './hpack.ts';

const most = 1 << 16;
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const request = (...more: [string, string][]) => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
  ...more,
];

describe('header blocks of RFC 7541', () => {
  const series: [string, [string, string[][]][]][] = [
    [
      'C.3, plain',
      [
        ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', request()],
        ['8286 84be 5808 6e6f 2d63 6163 6865', request(['cache-control', 'no-cache'])],
      ],
    ],
    [
      "C.4, in Huffman's code",
      [
        ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', request()],
        ['8286 84be 5886 a8eb 1064 9cbf', request(['cache-control', 'no-cache'])],
        [
          '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
          [
            [':method', 'GET'],
            [':scheme', 'https'],
            [':path', '/index.html'],
            [':authority', 'www.example.com'],
            ['custom-key', 'custom-value'],
          ],
        ],
      ],
    ],
  ];
  for (const [name, blocks] of series) {
    test(name, () => {
      const decoder = new HeaderDecoder();
      for (const [block, fields] of blocks) assert.deepEqual(decoder.decode(hex(block), most), fields);
    });
  }

  test('what is encoded is read again', () => {
    const fields: [string, string][] = [
      [':path', '/moby.buildkit.v1.Control/Solve'],
      ['exclude-patterns', 'a, b'],
      ['exclude-patterns', 'é'.repeat(300)],
      ['empty', ''],
    ];
    assert.deepEqual(new HeaderDecoder().decode(encodeHeaders(fields), most), fields);
  });

  test('a table forgets its oldest entries', () => {
    const decoder = new HeaderDecoder();
    // 4,096 bytes hold fifteen of these, each with 32 bytes of its own.
    const long = (letter: string) =>
      Buffer.concat([hex('40 01'), Buffer.from(letter), hex('7f 69'), Buffer.alloc(232, letter)]);
    for (const letter of 'abcdefghijklmnop') decoder.decode(long(letter), most);
    assert.deepEqual(decoder.decode(hex('be'), most), [['p', 'p'.repeat(232)]]);
    assert.deepEqual(decoder.decode(hex('cc'), most), [['b', 'b'.repeat(232)]]);
    assert.throws(() => decoder.decode(hex('cd'), most), /no field has the index 77/);
  });
});

describe('broken header blocks', () => {
  const rows: [string, string, RegExp][] = [
    ['an index beyond the tables', 'ff00', /no field/],
    ['the index 0', '80', /no field/],
    ['a number without end', 'ffffffffffffff', /too large/],
    ['a text that is cut off', '40 0a 61', /amid a text/],
    ['a field that is cut off', '40', /amid a field/],
    ['a larger table', '3fe2 1f', /larger than was agreed/],
    ['the end within a text', '00 84 ffff ffff', /end in it/],
    ['padding of zeros', '00 81 00', /amid a letter/],
    ['padding of a whole byte', '00 82 1fff', /amid a letter/],
  ];
  for (const [name, block, message] of rows) {
    test(name, () => assert.throws(() => new HeaderDecoder().decode(hex(block), most), message));
  }

  test('few bytes that stand for many', () => {
    const decoder = new HeaderDecoder();
    decoder.decode(Buffer.concat([hex('40 01 61 7f 81 10'), Buffer.alloc(2176, 'x')]), most);
    assert.throws(() => decoder.decode(Buffer.alloc(1000, 0xbe), most), /too many bytes/);
  });
});
