import { lstatSync, readdirSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
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

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const idleMilliseconds = 60_000;

/** Writes a file that is there only when it is complete: half an archive must not be taken for one. */
export async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  removeAbandoned(path);
  const temporary = `${path}.partial${process.pid}`;
  const end = (signal: NodeJS.Signals) => {
    rmSync(temporary, { force: true });
    for (const name of endings) process.removeListener(name, end);
    process.kill(process.pid, signal);
  };
  for (const name of endings) process.on(name, end);
  try {
    const sink = Bun.file(temporary).writer();
    for await (const chunk of body) {
      sink.write(chunk);
      await sink.flush();
    }
    await sink.end();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    for (const name of endings) process.removeListener(name, end);
  }
}

/** What a client that was killed by -9 could not take with it: its process is gone, and nobody writes. */
function removeAbandoned(path: string): void {
  const prefix = `${basename(path)}.partial`;
  for (const name of namesIn(dirname(path))) {
    const process = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (!/^\d+$/.test(process) || isRunning(Number(process))) continue;
    const file = join(dirname(path), name);
    const found = lstatSync(file, { throwIfNoEntry: false });
    // A process of another pid namespace, or machine, is known by its writing only.
    if (found?.isFile() && found.mtimeMs < Date.now() - idleMilliseconds) rmSync(file, { force: true });
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // May be written to, but not listed.
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
