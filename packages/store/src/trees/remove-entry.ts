import { closeSync, readdirSync } from 'node:fs';
import type { ByteString } from '@wharf/oci/layer/tar-header';
import { check } from '@wharf/sys/errno';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, tryOpenAt, tryUnlinkAt } from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';

const ENOENT = 2;
const EISDIR = 21;

/** Removes a name of an open directory with all below it, never following a link. What is gone already is fine. */
export function removeEntry(directory: number, name: ByteString): void {
  const cName = cString(Buffer.from(name, 'latin1'));
  const unlinked = tryUnlinkAt(directory, cName);
  if (unlinked === -ENOENT) return;
  if (unlinked !== -EISDIR) return void check(unlinked, `remove ${name}`);
  const fd = check(tryOpenAt(directory, cName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), `open ${name}`);
  try {
    for (const child of readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' })) {
      removeEntry(fd, child.toString('latin1'));
    }
  } finally {
    closeSync(fd);
  }
  const removed = tryUnlinkAt(directory, cName, { directory: true });
  if (removed !== -ENOENT) check(removed, `remove ${name}`);
}
