import { closeSync } from 'node:fs';
import { posix } from 'node:path';
import { invalidArgument, notFound } from '@wharf/base/error';
import { type RootFiles, resolveUser } from '@wharf/runtime/spec/user';
import { SystemError } from '@wharf/sys/errno';
import { S_IFLNK, S_IFMT, S_IFREG } from '@wharf/sys/file';
import { type CopyOptions, copySelected } from './copy-tree.ts';
import type { DiskView } from './disk-view.ts';
import type {
  CopyStep,
  FileStep,
  MakeDirectoryStep,
  MakeFileStep,
  OwnerLookup,
  RemoveStep,
  SymlinkStep,
} from './file-step.ts';
import { type ModeChange, parseModeChange } from './mode-change.ts';
import { readContent } from './read-content.ts';
import { selectPaths } from './select.ts';
import type { Attributes } from './set-attributes.ts';
import type { TargetTree } from './target-tree.ts';
import { isDirectory, joinPath, resolvePath, shownName } from './tree-view.ts';
import { unpackArchive } from './unpack-archive.ts';

const ENOENT = 2;
const EEXIST = 17;

interface Trees {
  readonly target: TargetTree;
  readonly sources: readonly DiskView[];
}

/** Runs the actions of a FileOp one after another in a tree that is mounted for this thread. */
export async function runSteps(trees: Trees, steps: readonly FileStep[]): Promise<void> {
  for (const step of steps) {
    switch (step.kind) {
      case 'copy':
        await copy(trees, step);
        break;
      case 'mkfile':
        makeFile(trees, step);
        break;
      case 'mkdir':
        makeDirectory(trees, step);
        break;
      case 'rm':
        remove(trees.target, step);
        break;
      case 'symlink':
        symlink(trees, step);
        break;
    }
  }
}

async function copy(trees: Trees, step: CopyStep): Promise<void> {
  const { target } = trees;
  const source = trees.sources[step.source]!;
  const selected = selectPaths(source, step.selection);
  if (selected.length === 0) {
    if (step.allowEmpty) return;
    throw notFound(`${shownName(step.selection.path)} not found`);
  }
  if (!step.createParents) {
    const parent = resolvePath(target, posix.dirname(posix.normalize(step.destination)), { followLast: true });
    if (!target.stat(parent)) throw new SystemError(`failed to stat ${shownName(parent)}`, ENOENT);
  }
  const options: CopyOptions = {
    destination: step.destination,
    contents: step.contents,
    owner: ownerOf(trees, step.owner),
    changeMode: modeChange(step.mode),
    mtime: step.mtime,
    replace: step.replace,
    includePatterns: step.selection.includePatterns,
    excludePatterns: step.selection.excludePatterns,
  };
  for (const one of selected) {
    if (step.unpack && (await unpackArchive(source, one.path, target, options))) continue;
    copySelected(source, one, target, options);
  }
}

function modeChange(mode: string | undefined): ModeChange | undefined {
  return mode === undefined ? undefined : parseModeChange(mode);
}

function makeFile(trees: Trees, step: MakeFileStep): void {
  const { target } = trees;
  const place = resolvePath(target, step.path, { followLast: true });
  const there = target.stat(place);
  if (there && isDirectory(there)) throw new SystemError(`open ${shownName(`/${place}`)}`, 21);
  if (there) target.unlink(place);
  target.writeFile(place, step.content, attributes(trees, step, S_IFREG | (step.mode & 0o7777)));
}

function makeDirectory(trees: Trees, step: MakeDirectoryStep): void {
  const { target } = trees;
  const made = attributes(trees, step, step.mode & 0o7777);
  if (step.parents) {
    target.makeDirectories(step.path, made);
    return;
  }
  const place = resolvePath(target, step.path, { followLast: true });
  const there = target.stat(place);
  if (!there) target.makeDirectory(place, made);
  else if (!isDirectory(there)) throw new SystemError(`mkdir ${shownName(`/${place}`)}`, EEXIST);
}

function remove(target: TargetTree, { path, wildcard, allowNotFound }: RemoveStep): void {
  const selection = { path, wildcard, followLinks: false, includePatterns: [], excludePatterns: [] };
  const found = wildcard ? selectPaths(target, selection).map((one) => one.path) : [oneOf(target, path)];
  if (found.length === 0 && !allowNotFound) throw notFound(`${shownName(path)} not found`);
  for (const place of found) {
    if (place === '') throw invalidArgument('cannot remove the root directory');
    if (target.stat(place)) target.remove(place);
    else if (!allowNotFound) throw new SystemError(`lstat ${shownName(path)}`, ENOENT);
  }
}

/** The parents' links are followed, the last component is what goes. */
function oneOf(target: TargetTree, path: string): string {
  return resolvePath(target, path, { followLast: false });
}

function symlink(trees: Trees, step: SymlinkStep): void {
  const { target } = trees;
  const parent = resolvePath(target, posix.dirname(step.path), { followLast: true });
  const place = joinPath(parent, posix.basename(step.path));
  target.symlink(step.target, place, attributes(trees, step, S_IFLNK | 0o777));
}

function attributes(
  trees: Trees,
  { owner, mtime }: { readonly owner: OwnerLookup | undefined; readonly mtime: bigint | undefined },
  mode: number,
): Attributes {
  const { uid, gid } = ownerOf(trees, owner) ?? { uid: 0, gid: 0 };
  return { mode, uid, gid, mtime };
}

/** As in BuildKit a name that nobody has is root's: a stage may say `USER app` before it makes that user. */
function ownerOf({ target, sources }: Trees, owner: OwnerLookup | undefined): { uid: number; gid: number } | undefined {
  if (!owner) return undefined;
  const { user, group } = owner;
  const view = owner.source === 'target' ? target : sources[owner.source]!;
  const files = { read: (path: string) => readFile(view, path) };
  const { uid, gid } = typeof user === 'number' ? { uid: user, gid: user } : (findOwner(files, user) ?? root);
  if (group === undefined) return { uid, gid };
  return { uid, gid: typeof group === 'number' ? group : (findOwner(files, `0:${group}`)?.gid ?? gid) };
}

const root = { uid: 0, gid: 0 };

function findOwner(files: RootFiles, name: string): { uid: number; gid: number } | undefined {
  try {
    return resolveUser(files, name, null);
  } catch {
    return undefined;
  }
}

const longestTable = 4 << 20;

function readFile(view: DiskView, path: string): Buffer | undefined {
  const real = resolvePath(view, path, { followLast: true });
  const stat = view.stat(real);
  if (!stat || (stat.mode & S_IFMT) !== S_IFREG) return undefined;
  const fd = view.openFile(real);
  try {
    return readContent(fd, 0, Math.min(stat.size, longestTable));
  } finally {
    closeSync(fd);
  }
}
