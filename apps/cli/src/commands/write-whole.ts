import { lstatSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ExitError } from '../exit-error.ts';

/**
 * Refuses what can be no file of its own, before anything is asked of the daemon. Renaming over a device as
 * /dev/null would take it from everybody, and over a link would leave where it leads as it was.
 */
export function checkOutputPath(path: string, failure: string): void {
  const refuse = (reason: string): never => {
    throw new ExitError(1, `${failure}: ${reason}`);
  };
  const directory = path.endsWith('/') ? path.replace(/(?<=.)\/+$/, '') : dirname(path);
  const parent = statSync(directory, { throwIfNoEntry: false });
  if (!parent) refuse(`invalid output path: stat ${directory}: no such file or directory`);
  else if (!parent.isDirectory()) refuse(`invalid output path: stat ${directory}: not a directory`);
  const kind = kindOf(lstatSync(path, { throwIfNoEntry: false }));
  if (kind !== undefined) refuse(`cannot write to a ${kind}`);
}

function kindOf(found: Stats | undefined): string | undefined {
  if (!found || found.isFile()) return undefined;
  if (found.isDirectory()) return 'directory';
  if (found.isSymbolicLink()) return 'symbolic link directly';
  if (found.isFIFO()) return 'named pipe (FIFO)';
  if (found.isSocket()) return 'socket';
  return found.isCharacterDevice() ? 'character device file' : 'block device file';
}

/** Writes a file that is there only when it is complete: half an archive must not be taken for one. */
export async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.partial${process.pid}`;
  const sink = Bun.file(temporary).writer();
  try {
    for await (const chunk of body) {
      sink.write(chunk);
      await sink.flush();
    }
    await sink.end();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
