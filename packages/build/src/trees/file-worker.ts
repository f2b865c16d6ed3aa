import { closeSync, linkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { EngineError } from '@wharf/base/error';
import { directoryUsage } from '@wharf/store/directory-usage';
import { SystemError } from '@wharf/sys/errno';
import { S_IFMT, S_IFREG } from '@wharf/sys/file';
import { checksumSelection } from './checksum.ts';
import { cloneDirectory } from './clone-directory.ts';
import { copySelected } from './copy-tree.ts';
import { diffTrees } from './diff-trees.ts';
import { DiskView } from './disk-view.ts';
import type { FileAnswer, FileJobName, FileJobs, FileRequest } from './file-job.ts';
import { MountedTrees } from './mounted-trees.ts';
import { readContent } from './read-content.ts';
import { runSteps } from './run-steps.ts';
import { selectPaths } from './select.ts';
import { TargetTree } from './target-tree.ts';
import { tidyUpper } from './tidy-upper.ts';
import { isDirectory, joinPath, resolvePath, shownName } from './tree-view.ts';

/** The worker's side: a thread of its own, so that it may have mounts of its own and may wait for the disk. */

type Handlers = {
  [Name in FileJobName]: (
    request: FileJobs[Name]['request'],
  ) => FileJobs[Name]['answer'] | Promise<FileJobs[Name]['answer']>;
};

const ENOENT = 2;
const ENOTDIR = 20;
const EISDIR = 21;

const handlers: Handlers = {
  async steps({ lowers, workspace, sources, steps }) {
    {
      using trees = new MountedTrees(workspace);
      const views = sources.map((source) => trees.view(source));
      await runSteps({ target: trees.target(lowers), sources: views }, steps);
    }
    if (lowers.length > 0) tidyUpper(`${workspace}/upper`, lowers, []);
    return null;
  },

  checksum({ tree, workspace, selections }) {
    using trees = new MountedTrees(workspace);
    const view = trees.view(tree);
    return selections.map((selection) => {
      const entries: [string, string][] = [];
      try {
        const { digest } = checksumSelection(view, selection, (path, entry) => entries.push([path, entry]));
        return { digest, entries };
      } catch (error) {
        if (error instanceof SystemError && error.code === 'ENOENT') return { missing: shownName(selection.path) };
        throw error;
      }
    });
  },

  read({ tree, workspace, path, offset, length }) {
    using trees = new MountedTrees(workspace);
    const view = trees.view(tree);
    const real = resolvePath(view, path, { followLast: true });
    const stat = view.stat(real);
    if (!stat) throw new SystemError(`open ${shownName(path)}`, ENOENT);
    if ((stat.mode & S_IFMT) !== S_IFREG) throw new SystemError(`read ${shownName(path)}`, EISDIR);
    const fd = view.openFile(real);
    try {
      return readContent(fd, offset, Math.max(0, Math.min(length, stat.size - offset)));
    } finally {
      closeSync(fd);
    }
  },

  stat({ tree, workspace, path, follow }) {
    using trees = new MountedTrees(workspace);
    const view = trees.view(tree);
    const stat = view.stat(resolvePath(view, path, { followLast: follow }));
    if (!stat) throw new SystemError(`lstat ${shownName(path)}`, ENOENT);
    return stat;
  },

  list({ tree, workspace, path }) {
    using trees = new MountedTrees(workspace);
    const view = trees.view(tree);
    const real = resolvePath(view, path, { followLast: true });
    const stat = view.stat(real);
    if (!stat) throw new SystemError(`open ${shownName(path)}`, ENOENT);
    if (!isDirectory(stat)) throw new SystemError(`readdir ${shownName(path)}`, ENOTDIR);
    return view.names(real).map((name) => ({ name, stat: view.stat(joinPath(real, name))! }));
  },

  tidy({ upper, lowers, stubs }) {
    tidyUpper(upper, lowers, stubs);
    return null;
  },

  clone({ from, to, latest }) {
    using source = new DiskView(from);
    using target = new TargetTree(to);
    const link = (path: string) => {
      const name = Buffer.from(path, 'latin1');
      linkSync(Buffer.concat([Buffer.from(`${from}/`), name]), Buffer.concat([Buffer.from(`${to}/`), name]));
    };
    cloneDirectory(source, target, { link, latest });
    return null;
  },

  diff({ lower, upper, workspace, to }) {
    using trees = new MountedTrees(workspace);
    using target = new TargetTree(to);
    diffTrees(trees.view(lower), trees.view(upper), target);
    return null;
  },

  flatten({ tree, workspace, selection, to }) {
    using trees = new MountedTrees(workspace);
    using target = new TargetTree(to);
    const view = trees.view(tree);
    const options = {
      destination: '/',
      contents: true,
      owner: undefined,
      changeMode: undefined,
      mtime: undefined,
      replace: false,
      includePatterns: selection.includePatterns,
      excludePatterns: selection.excludePatterns,
    };
    for (const selected of selectPaths(view, selection)) {
      const stat = view.stat(selected.path);
      if (stat && isDirectory(stat)) target.changeDirectory('', stat);
      copySelected(view, selected, target, options);
    }
    return null;
  },

  usage: ({ directory }) => directoryUsage(directory),
};

const port = parentPort!;

port.on('message', ({ name, request }: FileRequest) => {
  const handler = handlers[name] as (request: unknown) => unknown;
  Promise.try(() => handler(request)).then(
    (answer) => send({ ok: true, answer }),
    (error: unknown) => send(describe(error)),
  );
});

function send(answer: FileAnswer): void {
  port.postMessage(answer);
}

function describe(error: unknown): FileAnswer {
  if (!(error instanceof SystemError)) {
    const { code, message } = EngineError.from(error);
    return { ok: false, code, message };
  }
  const code = error.code === 'ENOENT' ? 'not_found' : error.code === 'ENOTDIR' ? 'invalid_argument' : 'internal';
  return { ok: false, code, message: error.message, errno: error.code };
}
