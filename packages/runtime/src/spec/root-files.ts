import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '@wharf/sys/errno';
import { openRoot, readFileInRoot } from '@wharf/sys/safe-path';
import type { RootFiles } from './user.ts';

/** A passwd or group file that is longer is somebody's attempt to fill the engine's memory. */
const maximumBytes = 4 * 1024 * 1024;

/** Files of a mounted root, or of a running container by `/proc/<pid>/root`. */
export function rootFiles(rootDirectory: string): RootFiles {
  return {
    read: (path) => {
      using root = openRoot(rootDirectory);
      return readFileInRoot(root, path, maximumBytes);
    },
  };
}

/**
 * Files of an overlay that is not mounted on the host: looked up in its directories as the kernel would merge them.
 * The directories belong to no running container, so nothing changes underneath. `layers` is top to bottom, the
 * writable directory first.
 */
export function layeredFiles(layers: readonly string[]): RootFiles {
  return { read: (path) => readMerged(layers, splitPath(path), 0) };
}

function readStart(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, maximumBytes));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

function splitPath(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function readMerged(layers: readonly string[], names: readonly string[], links: number): Buffer | undefined {
  if (links > 40) return undefined;
  let directories = layers;
  const walked: string[] = [];
  for (const [index, name] of names.entries()) {
    if (name === '..') return readMerged(layers, [...walked.slice(0, -1), ...names.slice(index + 1)], links + 1);
    const found = lookUp(directories, name);
    if (!found) return undefined;
    const rest = names.slice(index + 1);
    if (found.kind === 'link') {
      const base = found.target.startsWith('/') ? [] : walked;
      return readMerged(layers, [...base, ...splitPath(found.target), ...rest], links + 1);
    }
    if (found.kind === 'file') return rest.length === 0 ? readStart(found.path) : undefined;
    directories = found.paths;
    walked.push(name);
  }
  return undefined;
}

type Entry =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory'; readonly paths: readonly string[] };

/** The uppermost entry of this name; directories merge with those below until a whiteout or another kind. */
function lookUp(directories: readonly string[], name: string): Entry | undefined {
  const merged: string[] = [];
  for (const directory of directories) {
    const path = join(directory, name);
    const stat = statOrUndefined(path);
    if (!stat) continue;
    if (stat.isDirectory()) {
      merged.push(path);
      continue;
    }
    if (merged.length > 0) break;
    // A whiteout is a character device 0:0. kernel/Documentation/filesystems/overlayfs.rst
    if (stat.isCharacterDevice()) return undefined;
    if (stat.isSymbolicLink()) return { kind: 'link', target: readlinkSync(path) };
    return stat.isFile() ? { kind: 'file', path } : undefined;
  }
  return merged.length > 0 ? { kind: 'directory', paths: merged } : undefined;
}

function statOrUndefined(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
