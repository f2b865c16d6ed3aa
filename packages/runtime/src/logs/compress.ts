import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { timeOfLine, timeToNanos } from './line-time.ts';
import { anyTime, encodeBlocks, type IndexedBlock, indexDirectory, indexedBlockSize, indexPath } from './log-index.ts';
import { withName } from './packed-name.ts';

/**
 * Writes a gzip of `source`, which may be renamed meanwhile, and the index of `log` for it. Each block is a gzip member
 * of its own, so that a reader can begin at any; together they are one file to everybody else.
 */
export async function compressFile(source: string, target: string, log: string): Promise<void> {
  await using input = await open(source, 'r');
  await using output = await open(target, 'w', 0o640);
  const blocks: IndexedBlock[] = [];
  let name: string | undefined;
  for await (const plain of blocksOf(input)) {
    const first = blocks.length === 0;
    const text = plain.toString('latin1');
    if (first) name = timeOfLine(text, 0, text.indexOf('\n'));
    const packed = first && name !== undefined ? withName(gzipSync(plain), name) : gzipSync(plain);
    await output.write(packed);
    const before = blocks.at(-1);
    blocks.push({
      end: (before?.end ?? 0) + plain.length,
      packedEnd: (before?.packedEnd ?? 0) + packed.length,
      ...describe(text),
    });
  }
  if (name === undefined) return;
  const index = indexPath(log, name);
  mkdirSync(indexDirectory(log), { recursive: true, mode: 0o710 });
  writeFileSync(`${index}.new`, encodeBlocks(blocks), { mode: 0o640 });
  renameSync(`${index}.new`, index);
}

/** Whole lines, but for what a file may end with. */
async function* blocksOf(input: Awaited<ReturnType<typeof open>>): AsyncGenerator<Buffer> {
  let begun = Buffer.alloc(0);
  for (let at = 0; ; ) {
    const buffer = Buffer.allocUnsafe(indexedBlockSize);
    const { bytesRead } = await input.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const bytes = Buffer.concat([begun, buffer.subarray(0, bytesRead)]);
    const end = bytes.lastIndexOf(10) + 1;
    begun = bytes.subarray(end);
    if (end > 0) yield bytes.subarray(0, end);
  }
  if (begun.length > 0) yield begun;
}

function describe(text: string): Pick<IndexedBlock, 'lines' | 'first' | 'last'> {
  let lines = 0;
  let first = '';
  let last = '';
  for (let at = 0, end = text.indexOf('\n'); end >= 0; at = end + 1, end = text.indexOf('\n', at)) {
    lines += 1;
    const time = timeOfLine(text, at, end);
    if (time === undefined) continue;
    if (first === '' || time < first) first = time;
    if (time > last) last = time;
  }
  return { lines, ...(first === '' ? anyTime : { first: timeToNanos(first), last: timeToNanos(last) }) };
}
