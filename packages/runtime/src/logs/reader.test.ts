import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FrameDemuxer } from '@wharf/api/streams/stdcopy';
import { compressFile } from './compress.ts';
import { JsonFileWriter } from './json-file-writer.ts';
import { LogFile, type LogFileOptions } from './log-file.ts';
import { indexedBlockSize } from './log-index.ts';
import { openLogSources } from './log-source.ts';
import { type ReadLogs, readLogs } from './reader.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-read-'));
after(() => rmSync(directory, { recursive: true }));
let count = 0;
const scratch = Buffer.alloc(1024);

function newPath(): string {
  count += 1;
  return join(directory, `${count}.log`);
}

const everything: Omit<ReadLogs, 'path'> = {
  stdout: true,
  stderr: true,
  since: 0,
  until: 0,
  timestamps: false,
  details: false,
  tail: -1,
  tty: false,
  follow: false,
};

async function collect(reading: Readable | Promise<Readable>): Promise<string> {
  let result = '';
  const demuxer = new FrameDemuxer((number, payload) => {
    result += `${number}:${payload.toString()}`;
  });
  for await (const chunk of (await reading) as AsyncIterable<Buffer>) demuxer.push(chunk);
  assert.ok(demuxer.complete);
  return result;
}

const line = (log: string, second: number, stream = 'stdout', more = '') =>
  `{"log":${JSON.stringify(log)},"stream":"${stream}"${more},"time":"2026-01-02T03:04:${String(second).padStart(2, '0')}.5Z"}\n`;
const at = (second: number) => Date.UTC(2026, 0, 2, 3, 4, second) / 1000;

describe('logs: what was written is read', () => {
  const texts = ['plain\n', 'a "quote" and \\n and \\\n', '<ä€😀>\t\x01\n', 'no newline', '\n', 'back\\n'];
  for (const first of texts) {
    test(`beginning with ${JSON.stringify(first)}`, async () => {
      const path = newPath();
      const writer = new JsonFileWriter({
        file: new LogFile({ path, maxSize: undefined, maxFiles: 1, compress: undefined }),
        scratch,
      });
      const written = [first, ...texts].join('');
      writer.write('stdout', Buffer.from(written));
      writer.end('stdout');
      writer.close();
      assert.equal(await collect(readLogs({ ...everything, path })), `1:${written}`);
      assert.equal(await collect(readLogs({ ...everything, path, stdout: false })), '');
      const times = await collect(readLogs({ ...everything, path, timestamps: true }));
      assert.equal(times.replaceAll(/\d{4}-\S{24}Z /g, ''), `1:${written}`);
    });
  }
});

describe('logs: choices', () => {
  const path = newPath();
  writeFileSync(
    path,
    [
      line('one\n', 1),
      'not a line\n',
      line('two\n', 2, 'stderr'),
      line('three\u2028<\n', 3),
      line('four\n', 4, 'stdout', ',"attrs":{"b":"x y","a":"1&2"}'),
      '{"log":"cut off',
    ].join(''),
  );
  const rows: [string, Partial<ReadLogs>, string][] = [
    ['all', {}, '1:one\n2:two\n1:three\u2028<\nfour\n'],
    ['raw', { tty: true }, ''],
    ['stderr only', { stdout: false }, '2:two\n'],
    ['since', { since: at(3) }, '1:three\u2028<\nfour\n'],
    ['since with a fraction', { since: at(3) + 0.6 }, '1:four\n'],
    ['until', { until: at(2) + 0.5 }, '1:one\n2:two\n'],
    ['tail', { tail: 2 }, '1:three\u2028<\nfour\n'],
    ['tail of none', { tail: 0 }, ''],
    ['tail of more than there is', { tail: 100 }, '1:one\n2:two\n1:three\u2028<\nfour\n'],
    ['timestamps', { tail: 1, timestamps: true }, '1:2026-01-02T03:04:04.500000000Z four\n'],
    [
      'JSON',
      { tail: 1, format: 'json', details: true },
      '{"Line":"four\\n","Source":"stdout","Timestamp":"2026-01-02T03:04:04.5Z","Attrs":[{"Key":"a","Value":"1&2"},{"Key":"b","Value":"x y"}]}\n',
    ],
    ['details', { tail: 1, timestamps: true, details: true }, '1:2026-01-02T03:04:04.500000000Z a=1%262,b=x+y four\n'],
  ];
  for (const [name, choice, expected] of rows) {
    if (choice.tty) continue;
    const read = choice.format ? text : collect;
    test(name, async () => assert.equal(await read(await readLogs({ ...everything, path, ...choice })), expected));
  }

  test('a terminal’s log is raw', async () => {
    const chunks: Buffer[] = [];
    const stream: AsyncIterable<Buffer> = await readLogs({ ...everything, path, tty: true });
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString(), 'one\ntwo\nthree\u2028<\nfour\n');
  });

  test('a log that was never written is empty', async () => {
    assert.equal(await collect(readLogs({ ...everything, path: newPath() })), '');
  });
});

describe('logs: rotated files', () => {
  const path = newPath();
  writeFileSync(`${path}.2.gz`, gzipSync(line('a\n', 1) + line('b\n', 2)));
  writeFileSync(`${path}.1`, line('c\n', 3) + line('d\n', 4));
  writeFileSync(path, line('e\n', 5));
  const rows: [number, string][] = [
    [-1, '1:a\n1:b\n1:c\n1:d\n1:e\n'],
    [1, '1:e\n'],
    [2, '1:d\n1:e\n'],
    [3, '1:c\n1:d\n1:e\n'],
    [4, '1:b\n1:c\n1:d\n1:e\n'],
    [9, '1:a\n1:b\n1:c\n1:d\n1:e\n'],
  ];
  for (const [tail, expected] of rows) {
    test(`tail ${tail}`, async () => {
      const read = await collect(readLogs({ ...everything, path, tail }));
      assert.equal(read.replaceAll('1:', ''), expected.replaceAll('1:', ''));
    });
  }
});

describe('logs: the index', () => {
  const many = 20_000;
  const stamp = (index: number) => new Date(Date.UTC(2026, 0, 2) + index * 1000).toISOString().replace('Z', '000000Z');
  const text = (index: number) => `line ${index} ${'x'.repeat(60)}\n`;
  const all = Array.from({ length: many }, (_, index) => text(index));

  /** As a writer leaves it: one line a second. */
  function written(options: Partial<LogFileOptions> = {}): { path: string; file: LogFile } {
    const path = newPath();
    const file = new LogFile({ path, maxSize: undefined, maxFiles: 1, compress: undefined, ...options });
    for (const [index, log] of all.entries()) {
      const json = `{"log":${JSON.stringify(log)},"stream":"stdout","time":"${stamp(index)}"}\n`;
      file.append(Buffer.from(json), stamp(index));
    }
    file.close();
    return { path, file };
  }

  async function packed(): Promise<string> {
    const { path } = written();
    await compressFile(path, `${path}.1.gz`, path);
    writeFileSync(path, '');
    return path;
  }

  const seconds = (index: number) => Date.UTC(2026, 0, 2) / 1000 + index;
  const choices: [string, Partial<ReadLogs>, string[]][] = [
    ['since the last tenth', { since: seconds(18_000) }, all.slice(18_000)],
    ['until the first lines', { until: seconds(9) }, all.slice(0, 10)],
    ['a minute in the middle', { since: seconds(9000), until: seconds(9059) }, all.slice(9000, 9060)],
    ['since after the end', { since: seconds(many) }, []],
    ['the last lines', { tail: 10 }, all.slice(-10)],
    ['all but the first line', { tail: many - 1 }, all.slice(1)],
    ['the last lines of a time', { tail: 100, since: seconds(many - 5) }, all.slice(-5)],
  ];
  for (const [kind, make] of [
    ['plain', async () => written().path],
    ['compressed', packed],
  ] as const) {
    for (const [name, choice, expected] of choices) {
      test(`${kind}: ${name}`, async () => {
        const read = await collect(readLogs({ ...everything, path: await make(), ...choice }));
        assert.equal(read.replaceAll('1:', ''), expected.join(''));
      });
    }

    test(`${kind}: what is not asked for is not read`, async () => {
      const [path] = [await make()];
      const sources = await openLogSources(path);
      const source = sources[0]!;
      let bytes = 0;
      const since = BigInt(seconds(many - 10)) * 1_000_000_000n;
      for await (const block of source.blocks(0, { since, until: undefined })) bytes += block.length;
      for (const each of sources) await each[Symbol.asyncDispose]();
      assert.ok(bytes < 3 * indexedBlockSize, `${bytes} bytes were read`);
    });
  }

  test('a clock that was set back hides nothing', async () => {
    const path = newPath();
    const file = new LogFile({ path, maxSize: undefined, maxFiles: 1, compress: undefined });
    const order = [...Array(5000).keys()].map((index) => (index < 2500 ? index + 10_000 : index));
    for (const index of order) {
      const json = `{"log":${JSON.stringify(text(index))},"stream":"stdout","time":"${stamp(index)}"}\n`;
      file.append(Buffer.from(json), stamp(index));
    }
    file.close();
    const read = await collect(readLogs({ ...everything, path, since: seconds(10_000) }));
    assert.equal(read.replaceAll('1:', ''), order.slice(0, 2500).map(text).join(''));
  });

  test('a writer that goes on with a file goes on with its index', async () => {
    const { path } = written();
    const file = new LogFile({ path, maxSize: undefined, maxFiles: 1, compress: undefined });
    for (let index = many; index < many + 5000; index++) {
      const json = `{"log":${JSON.stringify(text(index))},"stream":"stdout","time":"${stamp(index)}"}\n`;
      file.append(Buffer.from(json), stamp(index));
    }
    file.close();
    const read = await collect(readLogs({ ...everything, path, since: seconds(many - 2), until: seconds(many + 1) }));
    assert.equal(read.replaceAll('1:', ''), [-2, -1, 0, 1].map((at) => text(many + at)).join(''));
  });

  test('goes with its file', () => {
    const { path } = written({ maxSize: 400_000, maxFiles: 2 });
    assert.ok(readdirSync(`${path}.index`).length <= 2);
  });
});

describe('logs: following', () => {
  test('under load, while rotated files are compressed and removed behind it', async () => {
    const path = newPath();
    const pending: Promise<void>[] = [];
    const compress = (source: string, target: string, log: string) => {
      const done = compressFile(source, target, log);
      pending.push(done);
      return done;
    };
    const file = new LogFile({ path, maxSize: 20_000, maxFiles: 200, compress });
    const writer = new JsonFileWriter({ file, scratch });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    writer.write('stdout', Buffer.from('line 0\n'));
    const read = collect(readLogs({ ...everything, path, follow: true, ended }));
    const total = 20_000;
    for (let index = 1; index < total; index += 10) {
      const batch = Array.from({ length: Math.min(10, total - index) }, (_, at) => `line ${index + at}\n`);
      writer.write('stdout', Buffer.from(batch.join('')));
      if (index % 500 === 1) await new Promise((done) => setTimeout(done, 1));
    }
    writer.close();
    resolve();
    const lines = (await read).replaceAll('1:', '').trimEnd().split('\n');
    await Promise.all(pending);
    assert.deepEqual(
      lines,
      Array.from({ length: total }, (_, index) => `line ${index}`),
    );
  });

  test('ends at the first line after until', async () => {
    const path = newPath();
    writeFileSync(path, line('a\n', 1) + line('b\n', 2) + line('c\n', 3));
    assert.equal(await collect(readLogs({ ...everything, path, follow: true, until: at(2) + 0.5 })), '1:a\nb\n');
  });

  test('much at once, in the middle of which a line begins', async () => {
    const path = newPath();
    writeFileSync(path, line('first\n', 1));
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const read = collect(readLogs({ ...everything, path, follow: true, ended }));
    await new Promise((done) => setImmediate(done));
    const texts = Array.from({ length: 2000 }, (_, index) => `line ${index} ${'x'.repeat(index % 150)}\n`);
    const written = texts.map((text) => line(text, 2)).join('');
    const begun = written.length - 20;
    appendFileSync(path, written.slice(0, begun));
    await new Promise((done) => setImmediate(done));
    appendFileSync(path, written.slice(begun));
    resolve();
    assert.equal((await read).replaceAll('1:', ''), `first\n${texts.join('')}`);
  });

  test('no line is lost or doubled over many rotations, and the end is the end', async () => {
    const path = newPath();
    const file = new LogFile({ path, maxSize: 3000, maxFiles: 50, compress: undefined });
    const writer = new JsonFileWriter({ file, scratch });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    writer.write('stdout', Buffer.from('line 0\n'));
    const read = collect(readLogs({ ...everything, path, follow: true, ended }));
    for (let index = 1; index < 800; index++) {
      writer.write('stdout', Buffer.from(`line ${index}\n`));
      if (index % 50 === 0) await new Promise((done) => setImmediate(done));
    }
    writer.close();
    resolve();
    const lines = (await read).replaceAll('1:', '').trimEnd().split('\n');
    assert.deepEqual(
      lines,
      Array.from({ length: 800 }, (_, index) => `line ${index}`),
    );
  });

  test('a line arrives when it is written, also into a log that did not exist', async () => {
    const path = newPath();
    const stream = await readLogs({ ...everything, path, follow: true, tty: true });
    const first = new Promise<string>((done) => stream.once('data', (chunk: Buffer) => done(chunk.toString())));
    appendFileSync(path, line('hello\n', 1));
    assert.equal(await first, 'hello\n');
    const closed = new Promise((done) => stream.once('close', done));
    stream.destroy();
    await closed;
  });

  test('from the end, what is written before the first read is there', async () => {
    const path = newPath();
    writeFileSync(path, line('old\n', 1));
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const stream = await readLogs({ ...everything, path, follow: true, tail: 0, ended });
    appendFileSync(path, line('new\n', 2));
    resolve();
    assert.equal(await collect(stream), '1:new\n');
  });

  test('an aborted reader ends', async () => {
    const path = newPath();
    const abort = new AbortController();
    const stream = await readLogs({ ...everything, path, follow: true, signal: abort.signal });
    const closed = new Promise((done) => stream.once('close', done));
    stream.resume();
    abort.abort();
    await closed;
  });
});
