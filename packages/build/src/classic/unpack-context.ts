import { createWriteStream, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalidArgument } from '@wharf/base/error';
import type { FileWorkers } from '../trees/file-workers.ts';

/**
 * Unpacks the tar that a client sends as its context, packed or not, into `<directory>/upper`. All of it belongs to
 * root, as the classic builder has it.
 */
export async function unpackContext(
  workers: FileWorkers,
  archive: Readable,
  { directory, signal }: { directory: string; signal: AbortSignal },
): Promise<string> {
  const incoming = join(directory, 'incoming');
  const workspace = join(directory, 'unpack');
  mkdirSync(incoming);
  mkdirSync(join(workspace, 'upper'), { recursive: true });
  const file = createWriteStream(join(incoming, 'archive'), { mode: 0o600 });
  await pipeline(archive, file, { signal });
  if (file.bytesWritten === 0) throw invalidArgument('the build context is empty');
  const selection = { path: 'archive', wildcard: false, followLinks: false, includePatterns: [], excludePatterns: [] };
  const step = {
    kind: 'copy' as const,
    source: 0,
    selection,
    allowEmpty: false,
    destination: '/',
    createParents: true,
    contents: false,
    unpack: true,
    owner: { user: 0, group: 0, source: 'target' as const },
    mode: undefined,
    mtime: undefined,
    replace: false,
  };
  const sources = [{ kind: 'directory' as const, path: incoming }];
  await workers.run('steps', { lowers: [], workspace, sources, steps: [step] }, signal);
  const context = join(directory, 'context');
  renameSync(join(workspace, 'upper'), context);
  return context;
}
