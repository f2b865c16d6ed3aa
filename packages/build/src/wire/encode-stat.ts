import type { MessageInitShape } from '@bufbuild/protobuf';
import { goFileMode } from '@wharf/store/trees/path-stat';
import { S_IFMT, S_IFREG } from '@wharf/sys/file';
import type { StatSchema } from '../pb/fsutil_pb.ts';
import { shownName, type TreeStat } from '../trees/tree-view.ts';

export interface EncodedPlace {
  readonly path: string;
  /** The earlier path of the same file, where there is one. */
  readonly linkTo?: string | undefined;
  /** Nanoseconds since 1970, instead of its own. */
  readonly time?: bigint | undefined;
}

/** An entry as fsutil's clients know it. */
export function encodeStat(stat: TreeStat, { path, linkTo, time }: EncodedPlace): MessageInitShape<typeof StatSchema> {
  const { mode, uid, gid, size, mtime, deviceMajor, deviceMinor, linkName, xattrs } = stat;
  return {
    path: shownName(path),
    mode: goFileMode(mode),
    uid,
    gid,
    size: BigInt((mode & S_IFMT) === S_IFREG ? size : 0),
    modTime: time ?? mtime,
    linkname: shownName(linkTo ?? linkName),
    devmajor: BigInt(deviceMajor),
    devminor: BigInt(deviceMinor),
    xattrs: Object.fromEntries(xattrs),
  };
}
