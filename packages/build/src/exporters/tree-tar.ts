import type { TarEntryType } from '@wharf/oci/layer/tar-header';
import { formatTarHeader, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '@wharf/sys/file';
import { type ExportedEntry, type ExportedTree, exportedEntries } from './exported-tree.ts';

const types = new Map<number, TarEntryType>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
]);

const flushSize = 1 << 18;

/** A tar of all files. `time`, nanoseconds since 1970, is that of each where it is given. */
export async function* treeTar(trees: readonly ExportedTree[], time: bigint | undefined): AsyncGenerator<Uint8Array> {
  let waiting: Buffer[] = [];
  let length = 0;
  const gather = (bytes: Buffer) => {
    waiting.push(bytes);
    length += bytes.length;
  };
  const flush = () => {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    length = 0;
    return bytes;
  };
  for await (const entry of exportedEntries(trees)) {
    const header = headerOf(entry, time);
    if (!header) continue;
    gather(header);
    let size = 0;
    for await (const bytes of entry.open()) {
      gather(bytes as Buffer);
      size += bytes.length;
      if (length >= flushSize) yield flush();
    }
    if (size > 0) gather(tarPadding(size));
    if (length >= flushSize) yield flush();
  }
  gather(tarTrailer());
  yield flush();
}

function headerOf({ path, stat, linkTo }: ExportedEntry, time: bigint | undefined): Buffer | undefined {
  const { mode, uid, gid, deviceMajor, deviceMinor } = stat;
  const kind = mode & S_IFMT;
  const type = linkTo === undefined ? types.get(kind) : 'link';
  if (!type) return undefined;
  const isDevice = kind === S_IFCHR || kind === S_IFBLK;
  return formatTarHeader({
    type,
    name: path,
    linkName: linkTo ?? stat.linkName,
    mode: mode & 0o7777,
    uid,
    gid,
    size: type === 'file' ? stat.size : 0,
    mtime: time ?? stat.mtime,
    ...(isDevice && { deviceMajor, deviceMinor }),
    ...(linkTo === undefined && { xattrs: new Map([...stat.xattrs].map(([key, value]) => [key, Buffer.from(value)])) }),
  });
}
