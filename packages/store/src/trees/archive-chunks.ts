import { readAt } from '@wharf/sys/file';
import type { ArchivePiece, FileContent } from './read-tree.ts';

const chunkSize = 1 << 20;

/** An archive in chunks of about 1 MB that the caller may keep: small pieces are gathered. */
export function* archiveChunks(pieces: Iterable<ArchivePiece>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for (const piece of pieces) {
    for (const bytes of Buffer.isBuffer(piece) ? [piece] : contentChunks(piece)) {
      if (bytes.length >= chunkSize / 4) {
        if (length > 0) yield Buffer.concat(waiting);
        waiting = [];
        length = 0;
        yield bytes;
        continue;
      }
      waiting.push(bytes);
      length += bytes.length;
      if (length < chunkSize) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(waiting);
}

function* contentChunks({ fd, size }: FileContent): Generator<Buffer> {
  for (let done = 0; done < size; ) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkSize, size - done));
    const count = readAt(fd, buffer, done);
    if (count === 0) buffer.fill(0);
    yield count === 0 ? buffer : buffer.subarray(0, count);
    done += count === 0 ? buffer.length : count;
  }
}
