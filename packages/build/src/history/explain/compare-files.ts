import { shownName } from '../../trees/tree-view.ts';
import { shortened } from '../file-indexes.ts';

export interface FileChange {
  readonly kind: 'added' | 'changed' | 'removed' | 'mode' | 'owner';
  readonly path: string;
}

export type FileIndex = ReadonlyMap<string, string>;

/** What makes two selections of files different, by name. Directories count for their modes and owners alone. */
export function compareFiles(before: FileIndex, now: FileIndex): FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, entry] of now) {
    const was = before.get(path);
    const [old, current] = [was === undefined ? undefined : shortened(was), shortened(entry)];
    if (old === current) continue;
    changes.push({ kind: old === undefined ? 'added' : kindOf(old, current), path: shownName(path) });
  }
  for (const path of before.keys()) if (!now.has(path)) changes.push({ kind: 'removed', path: shownName(path) });
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Entries are `mode uid gid content`. */
function kindOf(before: string, now: string): FileChange['kind'] {
  const [oldMode, oldUser, oldGroup, ...old] = before.split(' ');
  const [mode, user, group, ...content] = now.split(' ');
  if (old.join(' ') !== content.join(' ')) return 'changed';
  if (oldMode !== mode) return 'mode';
  return oldUser !== user || oldGroup !== group ? 'owner' : 'changed';
}
