import { closeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { detectCompression, type StreamCompression } from '@wharf/oci/layer/compression';
import { createDecompressor } from '@wharf/store/decompressor';
import { TreeWriter } from '@wharf/store/trees/write-tree';
import { S_IFMT, S_IFREG } from '@wharf/sys/file';
import type { CopyOptions } from './copy-tree.ts';
import type { DiskView } from './disk-view.ts';
import { readContent } from './read-content.ts';
import { requireSpace } from './require-space.ts';
import type { TargetTree } from './target-tree.ts';
import { shownName } from './tree-view.ts';

const headerSize = 512;
const spaceCheckInterval = 64 << 20;

type Format = 'none' | StreamCompression;

/** Unpacks a tar, compressed or not, into the destination directory. False where the file is no archive. */
export async function unpackArchive(
  source: DiskView,
  path: string,
  target: TargetTree,
  { destination, owner, mtime }: CopyOptions,
): Promise<boolean> {
  const stat = source.stat(path);
  if (!stat || (stat.mode & S_IFMT) !== S_IFREG) return false;
  const fd = source.openFile(path);
  try {
    const format = detectCompression(readContent(fd, 0, 8));
    if (!(await isTar(fd, stat.size, format))) return false;
    const parents = { mode: 0o755, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, mtime };
    const place = target.makeDirectories(destination, parents);
    await unpack(open(fd, stat.size, format), target, place);
    return true;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw invalidArgument(`cannot unpack ${shownName(path)}: ${(error as Error).message}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}

/** As in BuildKit the owners are those of the archive, whatever `--chown` says. */
async function unpack(archive: Readable, target: TargetTree, place: string): Promise<void> {
  const tree = {
    root: { fd: target.root, [Symbol.dispose]() {} },
    prefix: target.realPath(),
    idMapping: undefined,
    [Symbol.dispose]() {},
  };
  const options = { noOverwriteDirNonDir: false, readOnlyRoot: false, mounts: [] };
  const writer = new TreeWriter(tree, place === '' ? '/' : `/${shownName(place)}`, options);
  let unchecked = 0;
  try {
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      writer.feed(chunk);
      unchecked += chunk.length;
      if (unchecked < spaceCheckInterval) continue;
      unchecked = 0;
      requireSpace(target.realPath(), 'the archive');
    }
    writer.end();
  } finally {
    writer.close();
    archive.destroy();
  }
}

/** By the checksum of the first header: a file that merely is compressed is copied as it is. */
async function isTar(fd: number, size: number, format: Format): Promise<boolean> {
  const stream = open(fd, size, format);
  let header = Buffer.alloc(0);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      header = Buffer.concat([header, chunk.subarray(0, headerSize - header.length)]);
      if (header.length === headerSize) break;
    }
  } catch {
    return false;
  } finally {
    stream.destroy();
  }
  return header.length === headerSize && isTarHeader(header);
}

function isTarHeader(header: Buffer): boolean {
  const stored = Number.parseInt(header.toString('latin1', 148, 156).replace(/[\0 ]+$/, ''), 8);
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  return sum === stored && sum > 256;
}

const pieceSize = 1 << 20;

function* readPieces(fd: number, size: number): Generator<Buffer> {
  for (let at = 0; at < size; ) {
    const piece = readContent(fd, at, Math.min(pieceSize, size - at));
    if (piece.length === 0) return;
    at += piece.length;
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  }
}

function open(fd: number, size: number, format: Format): Readable {
  // Read by position: the descriptor serves several streams, and stays the caller's.
  const file = Readable.from(readPieces(fd, size), { objectMode: false, highWaterMark: pieceSize });
  if (format === 'none') return file;
  const inflater = createDecompressor(format);
  file.on('error', (error) => inflater.destroy(error));
  return file.pipe(inflater);
}
