import { readAt } from '@wharf/sys/file';

/** Up to `length` bytes of an open file. */
export function readContent(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readAt(fd, bytes.subarray(done), offset + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
