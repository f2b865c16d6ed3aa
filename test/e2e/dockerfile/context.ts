import { execFileSync } from 'node:child_process';
import { chmodSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { type TarEntry, tar } from '../../fixtures/tar.ts';
import { type BuildCase, type ContextFile, contextTime, dockerfileText } from './build-case.ts';

/** All entries of the context, directories before what is in them. */
function entriesOf(wanted: BuildCase): TarEntry[] {
  const name = wanted.options?.dockerfile ?? 'Dockerfile';
  const files: Record<string, ContextFile> = { [name]: dockerfileText(wanted), ...wanted.files };
  const entries = new Map<string, TarEntry>();
  for (const [path, file] of Object.entries(files)) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (!entries.has(parent))
        entries.set(parent, { name: parent, type: 'directory', mode: 0o755, time: contextTime });
    }
    entries.set(path, entryOf(path, file));
  }
  return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function entryOf(name: string, file: ContextFile): TarEntry {
  if (typeof file === 'string') return { name, content: file, mode: 0o644, time: contextTime };
  const { content = '', mode, link, directory, time = contextTime } = file;
  if (link !== undefined) return { name, type: 'symlink', target: link, mode: 0o777, time };
  if (directory) return { name, type: 'directory', mode: mode ?? 0o755, time };
  return { name, content: file.tar ? archive(file.tar, file.packed) : content, mode: mode ?? 0o644, time };
}

function archive(entries: readonly TarEntry[], packed: 'gzip' | 'bzip2' | 'xz' | 'zstd' | undefined): Buffer {
  const plain = tar(entries);
  return packed === undefined ? plain : execFileSync(packed, ['-c'], { input: plain });
}

export function contextTar(wanted: BuildCase): Buffer {
  return tar(entriesOf(wanted));
}

/** The same on disk, for clients that read it there. */
export function writeContext(directory: string, wanted: BuildCase): void {
  mkdirSync(directory, { recursive: true });
  const entries = entriesOf(wanted);
  for (const { name, type = 'file', content = '', mode = 0o644, target = '' } of entries) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    if (type === 'symlink') symlinkSync(target, path);
    else if (type === 'directory') mkdirSync(path, { recursive: true });
    else writeFileSync(path, content);
    if (type !== 'symlink') chmodSync(path, mode);
  }
  for (const { name, time = contextTime } of entries.reverse()) lutimesSync(join(directory, name), time, time);
}
