import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unmountAll } from '@wharf/sys/mount';
import { mountOverlay } from '@wharf/sys/overlay';
import { enterPrivateMounts } from '@wharf/sys/private-mounts';
import { DiskView } from './disk-view.ts';
import type { TreeLocation } from './file-step.ts';
import { TargetTree } from './target-tree.ts';

/** Trees that are mounted for this thread alone, until disposed. */
export class MountedTrees implements Disposable {
  readonly #workspace: string;
  readonly #cleanup = new DisposableStack();
  #count = 0;

  /** `workspace` is a directory of the caller's. */
  constructor(workspace: string) {
    this.#workspace = workspace;
    this.#cleanup.use(enterPrivateMounts());
  }

  view(tree: TreeLocation): DiskView {
    return this.#cleanup.use(new DiskView(this.#open(tree)));
  }

  /** A tree that can be changed; the changes are in `<workspace>/upper`. */
  target(lowers: readonly string[]): TargetTree {
    const upperDir = join(this.#workspace, 'upper');
    if (lowers.length === 0) return this.#cleanup.use(new TargetTree(upperDir));
    const target = this.#mountPoint();
    const workDir = join(this.#workspace, 'work');
    mkdirSync(workDir, { recursive: true });
    mountOverlay({ lowerDirs: lowers, upperDir, workDir, target, volatile: true });
    this.#cleanup.defer(() => unmountAll(target));
    return this.#cleanup.use(new TargetTree(target));
  }

  #open(tree: TreeLocation): string {
    if (tree.kind === 'directory') return tree.path;
    const empty = join(this.#workspace, 'empty');
    mkdirSync(empty, { recursive: true });
    if (tree.directories.length === 0) return empty;
    const target = this.#mountPoint();
    // overlayfs wants two: the whiteouts of a single layer must not show either.
    mountOverlay({ lowerDirs: [...tree.directories, ...(tree.directories.length === 1 ? [empty] : [])], target });
    this.#cleanup.defer(() => unmountAll(target));
    return target;
  }

  #mountPoint(): string {
    const path = join(this.#workspace, `mount-${this.#count++}`);
    mkdirSync(path, { recursive: true });
    this.#cleanup.defer(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  [Symbol.dispose](): void {
    this.#cleanup.dispose();
  }
}
