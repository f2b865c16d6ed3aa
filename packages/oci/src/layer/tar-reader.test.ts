import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatPaxRecord } from './pax.ts';
import type { TarEntry } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';
import { formatTarHeader, tarPadding, tarTrailer } from './tar-writer.ts';

interface Seen {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

/** Parses in pieces of `step` bytes, and checks that raw bytes and data together are the archive again. */
function read(archive: Buffer, step = archive.length): Seen[] {
  const seen: { entry: TarEntry; content: Buffer }[] = [];
  const again: Buffer[] = [];
  const reader = new TarReader({
    entry: (entry) => void seen.push({ entry, content: Buffer.alloc(entry.size) }),
    data(bytes, offset) {
      again.push(Buffer.from(bytes));
      bytes.copy(seen.at(-1)!.content, offset);
    },
    endEntry() {},
    raw: (bytes) => void again.push(Buffer.from(bytes)),
  });
  for (let offset = 0; offset < archive.length; offset += step) reader.feed(archive.subarray(offset, offset + step));
  reader.end();
  assert.ok(Buffer.concat(again).equals(archive), 'raw and data make the archive');
  return seen;
}

function gnuTar(format: string, make: (directory: string) => void, ...options: string[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-tar-'));
  try {
    make(directory);
    return execFileSync('tar', [`--format=${format}`, ...options, '-C', directory, '-c', '.'], { maxBuffer: 64 << 20 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const deep = `${'d'.repeat(120)}/${'e'.repeat(120)}`;

describe('tar reader', () => {
  for (const format of ['ustar', 'gnu', 'pax']) {
    for (const step of [1 << 20, 7, 512, 513]) {
      test(`GNU tar's ${format} archives in pieces of ${step}`, () => {
        const archive = gnuTar(format, (directory) => {
          writeFileSync(join(directory, 'a'), 'x'.repeat(1000), { mode: 0o640 });
          symlinkSync('/etc/passwd', join(directory, 'link'));
          if (format === 'ustar') return;
          mkdirSync(join(directory, deep), { recursive: true });
          writeFileSync(join(directory, deep, 'long'), 'y');
          symlinkSync(`/${deep}`, join(directory, 'longlink'));
        });
        const byName = new Map(read(archive, step).map((one) => [one.entry.name, one]));
        assert.equal(byName.get('./a')!.content.toString(), 'x'.repeat(1000));
        assert.equal(byName.get('./a')!.entry.mode, 0o640);
        assert.equal(byName.get('./link')!.entry.linkName, '/etc/passwd');
        if (format === 'ustar') return;
        assert.equal(byName.get(`./${deep}/long`)!.content.toString(), 'y');
        assert.equal(byName.get('./longlink')!.entry.linkName, `/${deep}`);
      });
    }
  }

  for (const [format, ...options] of [
    ['gnu', '--sparse'],
    ['pax', '--sparse', '--sparse-version=0.0'],
    ['pax', '--sparse', '--sparse-version=0.1'],
    ['pax', '--sparse', '--sparse-version=1.0'],
  ] as const) {
    test(`sparse files, ${format} ${options.join(' ')}`, () => {
      const expected = Buffer.alloc(3 << 20);
      const archive = gnuTar(
        format,
        (directory) => {
          const path = join(directory, 'sparse');
          execFileSync('sh', [
            '-c',
            `for i in 0 1 2 3 4 5 6 7 8 9; do printf 'part%s' $i | dd of=${path} bs=1 seek=$((i*300000)) conv=notrunc status=none; done`,
          ]);
          truncateSync(path, expected.length);
        },
        ...options,
      );
      for (let index = 0; index < 10; index++) expected.write(`part${index}`, index * 300_000);
      for (const step of [1 << 20, 511]) {
        const file = read(archive, step).find(({ entry }) => entry.name.endsWith('sparse'))!;
        assert.equal(file.entry.name, './sparse');
        assert.equal(file.entry.size, expected.length);
        assert.ok(file.content.equals(expected));
      }
      assert.ok(archive.length < 1 << 20);
    });
  }

  test('what the writer writes is read back', () => {
    const member: TarEntry = {
      type: 'file',
      name: `\xff${deep}`,
      linkName: '',
      mode: 0o6755,
      uid: 3_000_000,
      gid: 4_000_000_000,
      size: 3,
      mtime: 1_700_000_000_123_456_789n,
      deviceMajor: 0,
      deviceMinor: 0,
      xattrs: new Map([['security.capability', Buffer.from([1, 0, 0, 2, 0, 10, 255])]]),
    };
    const archive = Buffer.concat([formatTarHeader(member), Buffer.from('abc'), tarPadding(3), tarTrailer()]);
    assert.deepEqual(read(archive)[0]!.entry, member);
    assert.equal(read(archive)[0]!.content.toString(), 'abc');
    const device = { type: 'character', name: 'null', deviceMajor: 1, deviceMinor: 3, mtime: -5n } as const;
    const [read2] = read(Buffer.concat([formatTarHeader(device), tarTrailer()]));
    assert.deepEqual([read2!.entry.deviceMajor, read2!.entry.deviceMinor, read2!.entry.mtime], [1, 3, -5n]);
  });

  test('an archive may end with the content of its last member', () => {
    const [seen] = read(Buffer.concat([formatTarHeader({ type: 'file', name: 'a', size: 5 }), Buffer.from('hello')]));
    assert.equal(seen!.content.toString(), 'hello');
  });

  test('bytes after the end are kept for the recipe', () => {
    assert.equal(read(Buffer.concat([tarTrailer(), Buffer.alloc(9000, 7)])).length, 0);
  });
});

describe('tar reader refuses', () => {
  const file = formatTarHeader({ type: 'file', name: 'a', size: 5 });
  const pax = (...records: [string, string][]) => {
    const body = Buffer.concat(records.map(([key, value]) => formatPaxRecord(key, Buffer.from(value))));
    const header = Buffer.from(formatTarHeader({ type: 'file', name: 'x', size: body.length }));
    header.write('x', 156);
    return Buffer.concat([resum(header), body, tarPadding(body.length)]);
  };
  const resum = (header: Buffer) => {
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return header;
  };
  const changed = (change: (header: Buffer) => void) => {
    const header = Buffer.from(file);
    change(header);
    return resum(header);
  };
  const cases: [what: string, archive: Buffer, message: RegExp][] = [
    ['a truncated header', file.subarray(0, 100), /unexpected EOF/],
    ['truncated data', Buffer.concat([file, Buffer.from('abc')]), /unexpected EOF/],
    ['an extension without its member', pax(['path', 'b']), /unexpected EOF/],
    ['an extension cut short', pax(['path', 'b']).subarray(0, 530), /unexpected EOF/],
    ['noise', Buffer.alloc(512, 1), /invalid tar header/],
    ['a wrong checksum', Buffer.concat([file.subarray(0, 1), Buffer.from('b'), file.subarray(2)]), /checksum/],
    ['an unknown type', changed((header) => void header.write('V', 156)), /type "V"/],
    ['a negative size', changed((header) => header.fill(0xff, 124, 136)), /size/],
    ['an owner of -1', changed((header) => header.fill(0xff, 108, 116)), /owner/],
    ['letters in a number', changed((header) => void header.write('12x', 124)), /number/],
    ['a NUL inside a name', Buffer.concat([pax(['path', 'a\0b']), file]), /name/],
    ['a PAX size that is no number', Buffer.concat([pax(['size', '1e3']), file]), /size/],
    [
      'a PAX record that lies of its length',
      Buffer.concat([changed((header) => void header.write('x', 156)), Buffer.from('9 a=b'), tarPadding(5)]),
      /pax record/,
    ],
    [
      'a header of a gigabyte',
      changed((header) => {
        header.write('L', 156);
        header.write('10000000000', 124);
      }),
      /extension too large/,
    ],
    [
      'overlapping sparse runs',
      Buffer.concat([pax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '0,5,3,5']), file]),
      /sparse map/,
    ],
    [
      'a sparse run past the end',
      Buffer.concat([pax(['GNU.sparse.size', '6'], ['GNU.sparse.map', '4,5']), file]),
      /sparse map/,
    ],
    [
      'sparse runs of other bytes than are stored',
      Buffer.concat([pax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '0,4']), file]),
      /sparse map/,
    ],
    ['a name longer than PATH_MAX', Buffer.concat([pax(['path', 'n'.repeat(5000)]), file]), /name too long/],
    [
      '300 extended attributes',
      Buffer.concat([
        pax(...Array.from({ length: 300 }, (_, index): [string, string] => [`SCHILY.xattr.user.${index}`, 'v'])),
        file,
      ]),
      /too many extended attributes/,
    ],
  ];
  for (const [what, archive, message] of cases) {
    test(what, () => {
      for (const step of [archive.length, 100])
        assert.throws(() => read(archive, step), { code: 'invalid_argument', message });
    });
  }
});
