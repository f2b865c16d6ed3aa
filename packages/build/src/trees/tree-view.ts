import { SystemError } from '@wharf/sys/errno';
import { S_IFDIR, S_IFLNK, S_IFMT } from '@wharf/sys/file';

/**
 * Reads a tree of files without following any link: of a directory on disk, or of the index of a received tree. Paths
 * have no leading slash; '' is the root. Names are byte strings: each char one byte.
 */
export interface TreeView {
  /** undefined where nothing has this name, or something above it is no directory. */
  stat(path: string): TreeStat | undefined;
  /** Names, sorted. Throws ENOTDIR. */
  names(path: string): readonly string[];
  /** sha256 of a regular file's content, in hexadecimal digits. */
  digest(path: string): string;
}

export interface TreeStat {
  /** As st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: bigint;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Of a symbolic link. */
  readonly linkName: string;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

/** Of an entry that nobody has: root's, from 1970, with nothing in it. */
export function plainStat(mode: number): TreeStat {
  const place = { uid: 0, gid: 0, size: 0, mtime: 0n, deviceMajor: 0, deviceMinor: 0 };
  return { mode, ...place, linkName: '', xattrs: new Map() };
}

export function isDirectory({ mode }: Pick<TreeStat, 'mode'>): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

export function isSymlink({ mode }: Pick<TreeStat, 'mode'>): boolean {
  return (mode & S_IFMT) === S_IFLNK;
}

const ELOOP = 40;
const linkLimit = 255;

/**
 * Where a path really is inside the tree: every link above it is followed, absolute ones from the tree's root, and
 * `..` never leaves it. With `followLast` the last component too. What does not exist keeps its name.
 */
export function resolvePath(view: TreeView, path: string, { followLast }: { followLast: boolean }): string {
  let links = 0;
  let rest = components(path);
  let real: string[] = [];
  while (rest.length > 0) {
    const [name = '', ...after] = rest;
    rest = after;
    if (name === '..') {
      real.pop();
      continue;
    }
    const here = [...real, name].join('/');
    const stat = rest.length > 0 || followLast ? view.stat(here) : undefined;
    if (!stat || !isSymlink(stat)) {
      real.push(name);
      continue;
    }
    if (++links > linkLimit) throw new SystemError(`resolve ${path}`, ELOOP);
    if (stat.linkName.startsWith('/')) real = [];
    rest = [...components(stat.linkName), ...rest];
  }
  return real.join('/');
}

export function components(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** What people and patterns call a byte string. */
export function shownName(name: string): string {
  return /^[\x00-\x7f]*$/.test(name) ? name : Buffer.from(name, 'latin1').toString();
}

/** The byte string of a text. */
export function byteName(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}
