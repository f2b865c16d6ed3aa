import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { JsonFileWriter } from './json-file-writer.ts';
import { longestLine } from './line-splitter.ts';
import { LogFile } from './log-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-log-'));
after(() => rmSync(directory, { recursive: true }));
let count = 0;
const scratch = Buffer.alloc(1024);

function write(chunks: readonly (string | Buffer)[], attributes?: Record<string, string>): string[] {
  count += 1;
  const path = join(directory, `${count}.log`);
  const file = new LogFile({ path, maxSize: undefined, maxFiles: 1, compress: undefined });
  const writer = new JsonFileWriter({ file, scratch, attributes });
  for (const chunk of chunks) writer.write('stdout', Buffer.from(chunk as string));
  writer.end('stdout');
  writer.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  assert.equal(lines.pop(), '');
  return lines;
}

const texts = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { log: string }).log);

describe('json-file: what a program writes is what the log says', () => {
  const rows: [string, (string | Buffer)[], string[]][] = [
    ['plain lines', ['a\nb\n'], ['a\n', 'b\n']],
    ['a line in three chunks', ['a', 'b', 'c\nd'], ['abc\n', 'd']],
    ['empty lines', ['\n\n'], ['\n', '\n']],
    ['quotes, backslashes and what looks escaped', ['"\\n"\\\n'], ['"\\n"\\\n']],
    ['markup and control characters', ['<a>&\t\x1b[1m\r\x00\x7f\n\x7f\n'], ['<a>&\t\x1b[1m\r\x00\x7f\n', '\x7f\n']],
    ['UTF-8, split inside a character', [Buffer.from([0xc3]), Buffer.from([0xa4, 10])], ['ä\n']],
    ['an emoji and a quote', ['😀"\n'], ['😀"\n']],
    [
      'bytes that are no UTF-8, one mark each',
      [Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62, 10])],
      ['a\ufffd\ufffd\ufffdb\n'],
    ],
    [
      'an overlong form and a surrogate',
      [Buffer.from([0xc0, 0x80, 0xed, 0xa0, 0x80, 10])],
      ['\ufffd\ufffd\ufffd\ufffd\ufffd\n'],
    ],
  ];
  for (const [name, chunks, expected] of rows) test(name, () => assert.deepEqual(texts(write(chunks)), expected));

  test('lines over 16 KiB come in pieces, none of them inside a character', () => {
    const long = `${'x'.repeat(longestLine - 1)}${'ä'.repeat(20_000)}`;
    for (const chunks of [[`${long}\nnext\n`], [long.slice(0, 20_000), long.slice(20_000), '\nnext\n']]) {
      const found = texts(write(['first\n', ...chunks]));
      assert.equal(found.join(''), `first\n${long}\nnext\n`);
      assert.ok(found.every((text) => Buffer.byteLength(text) <= longestLine + 1));
      assert.equal(found.at(-1), 'next\n');
      assert.equal(found[0], 'first\n');
    }
  });

  test('attributes and a time with nine digits', () => {
    const [line] = write(['x\n'], { a: 'ä"' });
    assert.match(
      line!,
      /^\{"log":"x\\n","stream":"stdout","attrs":\{"a":"ä\\""\},"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"\}$/,
    );
  });
});

describe('json-file: rotation', () => {
  function rotate(name: string, maxFiles: number, compressed: string[]): string[] {
    const path = join(directory, name);
    const file = new LogFile({
      path,
      maxSize: 500,
      maxFiles,
      compress: async (rotated) => {
        compressed.push(rotated);
        throw new Error('no');
      },
    });
    const writer = new JsonFileWriter({ file, scratch });
    writer.write('stderr', Buffer.from(Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join('')));
    writer.close();
    return readdirSync(directory)
      .filter((entry) => entry.startsWith(name))
      .sort();
  }

  test('keeps the newest files, each with whole lines, none far over its size', () => {
    const compressed: string[] = [];
    const names = rotate('rotated.log', 3, compressed);
    assert.deepEqual(names, ['rotated.log', 'rotated.log.1', 'rotated.log.2']);
    const lines = names.toReversed().flatMap((entry) => {
      const text = readFileSync(join(directory, entry), 'utf8');
      assert.ok(text.length < 600);
      return texts(text.split('\n').slice(0, -1));
    });
    assert.equal(lines.at(-1), 'line 39\n');
    assert.deepEqual(
      lines,
      Array.from({ length: lines.length }, (_, index) => `line ${40 - lines.length + index}\n`),
    );
    assert.ok(compressed.length > 0);
  });

  test('one file alone begins anew', () => {
    assert.deepEqual(rotate('single.log', 1, []), ['single.log']);
  });
});
