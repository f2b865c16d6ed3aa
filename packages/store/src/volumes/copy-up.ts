import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasErrno } from '@wharf/sys/errno';
import { openFlags, openInRoot, openRoot } from '@wharf/sys/safe-path';

const run = promisify(execFile);

/**
 * Copies the tree that an image has at `source` into an empty `target`, with owners, modes, times, links and
 * attributes, the directory's own too. Nothing happens where the image has no directory there or the target is
 * not empty. `source` is resolved inside `root`; links below it are copied, not followed.
 */
export async function copyUp(root: string, source: string, target: string): Promise<void> {
  if ((await readdir(target)).length > 0) return;
  using base = openRoot(root);
  try {
    using directory = openInRoot(base, source, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
    const path = `/proc/${process.pid}/fd/${directory.fd}/.`;
    await run('cp', ['--archive', '--reflink=auto', path, target]);
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return;
    throw error;
  }
}
