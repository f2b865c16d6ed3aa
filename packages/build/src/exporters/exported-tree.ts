import { createReadStream } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ByteString } from '@wharf/oci/layer/tar-header';
import { S_IFDIR, S_IFMT, S_IFREG, S_IFSOCK } from '@wharf/sys/file';
import type { DiskView } from '../trees/disk-view.ts';
import { isDirectory, joinPath, plainStat, type TreeStat } from '../trees/tree-view.ts';

/** The files that a build made for one platform. */
export interface ExportedTree {
  readonly view: DiskView;
  /** The directory that they are put in; '' for none. */
  readonly prefix: string;
}

export interface ExportedEntry {
  readonly path: ByteString;
  readonly stat: TreeStat;
  /** The earlier path of the same file; undefined where it comes first. */
  readonly linkTo: ByteString | undefined;
  /** Of a regular file with content of its own. */
  open(): AsyncIterable<Uint8Array>;
}

/** Entries between which others get a turn. */
const stride = 128;
const chunkSize = 1 << 20;

/** All files in the order of fsutil's walk: a directory before its content, names by their bytes. */
export async function* exportedEntries(trees: readonly ExportedTree[]): AsyncGenerator<ExportedEntry> {
  let count = 0;
  for (const { view, prefix } of trees) {
    if (prefix !== '')
      yield { path: prefix, stat: plainStat(S_IFDIR | 0o755), linkTo: undefined, open: () => noContent() };
    for (const entry of walk(view, { prefix, path: '', links: new Map() })) {
      yield entry;
      if (++count % stride === 0) await setImmediate();
    }
  }
}

interface Walk {
  readonly prefix: string;
  readonly path: ByteString;
  readonly links: Map<bigint, ByteString>;
}

function* walk(view: DiskView, { prefix, path, links }: Walk): Generator<ExportedEntry> {
  for (const name of view.names(path)) {
    const inside = joinPath(path, name);
    const stat = view.stat(inside);
    // A socket means nothing without its listener.
    if (!stat || (stat.mode & S_IFMT) === S_IFSOCK) continue;
    const shown = joinPath(prefix, inside);
    const linkTo = isDirectory(stat) ? undefined : links.get(stat.inode);
    if (stat.nlink > 1 && !isDirectory(stat) && linkTo === undefined) links.set(stat.inode, shown);
    const isFile = (stat.mode & S_IFMT) === S_IFREG && linkTo === undefined;
    yield { path: shown, stat, linkTo, open: () => (isFile ? contentOf(view, inside, stat.size) : noContent()) };
    if (isDirectory(stat)) yield* walk(view, { prefix, path: inside, links });
  }
}

/** Exactly the bytes that its entry has told of. */
function contentOf(view: DiskView, path: ByteString, size: number): AsyncIterable<Uint8Array> {
  if (size === 0) return noContent();
  return createReadStream('', { fd: view.openFile(path), end: size - 1, highWaterMark: chunkSize });
}

async function* noContent(): AsyncGenerator<Uint8Array> {}
