import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { SystemError } from '@wharf/sys/errno';
import { S_IFDIR, S_IFMT, S_IFREG } from '@wharf/sys/file';
import { DiskView } from '../trees/disk-view.ts';
import { components, isDirectory, joinPath, plainStat, type TreeStat, type TreeView } from '../trees/tree-view.ts';

const ENOENT = 2;
const ENOTDIR = 20;

/** What is known of one entry of a received tree. */
export interface IndexNode extends TreeStat {
  /** Of a directory. */
  readonly children: Map<string, IndexNode> | undefined;
  /** sha256 of a regular file's content. */
  readonly digest: string | undefined;
  /** Tells the file on disk from any other that has its name: an index that is older than the disk deceives nobody. */
  readonly identity: string;
}

/** A received tree in memory: stats and digests of all entries, so that checksums read nothing from the disk. */
export class TreeIndex implements TreeView {
  readonly root: IndexNode;

  constructor(root: IndexNode = emptyDirectory()) {
    this.root = root;
  }

  find(path: string): IndexNode | undefined {
    let node: IndexNode | undefined = this.root;
    for (const name of components(path)) node = node?.children?.get(name);
    return node;
  }

  stat(path: string): TreeStat | undefined {
    return this.find(path);
  }

  names(path: string): readonly string[] {
    const node = this.find(path);
    if (!node) throw new SystemError(`open ${path}`, ENOENT);
    if (!node.children) throw new SystemError(`readdir ${path}`, ENOTDIR);
    return [...node.children.keys()].sort();
  }

  digest(path: string): string {
    const digest = this.find(path)?.digest;
    if (digest === undefined) throw new SystemError(`read ${path}`, ENOENT);
    return digest;
  }

  encode(): Buffer {
    const lines: string[] = [];
    encodeNode('', this.root, lines);
    return zstdCompressSync(Buffer.from(lines.join('\n')));
  }
}

export function emptyDirectory(): IndexNode {
  return { ...plainStat(S_IFDIR | 0o755), children: new Map(), digest: undefined, identity: '' };
}

function encodeNode(path: string, node: IndexNode, lines: string[]): void {
  if (node.digest !== undefined) lines.push(JSON.stringify([path, node.identity, node.digest]));
  for (const [name, child] of node.children ?? []) encodeNode(joinPath(path, name), child, lines);
}

/**
 * The index of a directory on disk. Digests come from a stored index where the file is still the very one that it
 * tells of, and are computed anew where it is not.
 */
export function readIndex(directory: string, stored: Buffer | undefined): TreeIndex {
  const known = new Map<string, readonly [identity: string, digest: string]>();
  if (stored) {
    for (const line of zstdDecompressSync(stored).toString().split('\n')) {
      if (line === '') continue;
      const [path, identity, digest] = JSON.parse(line) as [string, string, string];
      known.set(path, [identity, digest]);
    }
  }
  using view = new DiskView(directory);
  return new TreeIndex(readNode(view, '', known));
}

function readNode(view: DiskView, path: string, known: ReadonlyMap<string, readonly [string, string]>): IndexNode {
  const stat = view.stat(path)!;
  if (isDirectory(stat)) {
    const children = new Map(view.names(path).map((name) => [name, readNode(view, joinPath(path, name), known)]));
    return { ...stat, children, digest: undefined, identity: '' };
  }
  const identity = identityOf(stat);
  if ((stat.mode & S_IFMT) !== S_IFREG) return { ...stat, children: undefined, digest: undefined, identity };
  const stored = known.get(path);
  const digest = stored?.[0] === identity ? stored[1] : view.digest(path);
  return { ...stat, children: undefined, digest, identity };
}

/** The inode, and the time of its last change, which no program can choose. */
export function identityOf(stat: TreeStat): string {
  const { inode, changed } = stat as TreeStat & { inode?: bigint; changed?: bigint };
  return `${inode ?? 0}:${changed ?? 0}:${stat.size}`;
}
