import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { DiskView } from '../trees/disk-view.ts';
import type { ExportContext, ExportResponse } from './build-output.ts';
import type { ExportedTree } from './exported-tree.ts';
import type { TreeOutput } from './output.ts';
import { treeTar } from './tree-tar.ts';

/** Sends the files of a build to the client, as a directory or as a tar of them. */
export async function exportTree(context: ExportContext, output: TreeOutput): Promise<ExportResponse> {
  const { id, build, client, step } = context;
  const { platforms, isMultiPlatform } = build;
  const split = output.platformSplit ?? isMultiPlatform;
  if (!split && platforms.length > 1) {
    throw invalidArgument('platform-split=false: the files of several platforms would be in one directory');
  }
  await using held = new AsyncDisposableStack();
  const trees: ExportedTree[] = [];
  const viewId = newId();
  let views = 0;
  held.defer(() => context.deps.views.close(viewId, views));
  for (const { id: platform, result } of platforms) {
    const prefix = split ? platform.replaceAll('/', '_') : '';
    const isEmpty = result.kind === 'layers' && result.layers.length === 0;
    const path = isEmpty
      ? emptyDirectory(context.deps.dataRoot, held)
      : await context.deps.views.open(viewId, views++, result, { writable: false });
    trees.push({ prefix, view: held.use(new DiskView(path)) });
  }
  // Receivers want the names of directories, too, in the order of their bytes.
  trees.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  const epoch = output.epoch ?? build.epoch;
  const time = epoch === undefined ? undefined : BigInt(epoch) * 1_000_000_000n;
  if (output.tar) await step('sending tarball', () => client.sendFile(id, treeTar(trees, time)));
  else await step('copying files', () => client.sendDirectory(id, trees, time));
  return {};
}

function emptyDirectory(dataRoot: string, held: AsyncDisposableStack): string {
  const path = mkdtempSync(join(dataRoot, 'build', 'work', 'empty-'));
  held.defer(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
