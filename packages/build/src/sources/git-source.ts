import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { openRoot, resolveInRoot } from '@wharf/sys/safe-path';
import { runGit } from './run-git.ts';
import { stampTree } from './stamp-tree.ts';

export interface GitSource {
  /** `git://host/path#ref:subdirectory` */
  readonly identifier: string;
  /** Of the source op: `git.fullurl`, `git.keepgitdir`, `git.checksum`, `git.skipsubmodules`. */
  readonly attrs: Readonly<Record<string, string>>;
}

/** Checks one commit of a repository out into an empty directory. Answers where its files are, and which it was. */
export async function checkOut(
  { identifier, attrs }: GitSource,
  directory: string,
  signal: AbortSignal,
): Promise<{ path: string; commit: string }> {
  const { remote, ref, subdirectory } = parseSource(identifier, attrs['git.fullurl']);
  const tree = join(directory, 'tree');
  mkdirSync(tree, { mode: 0o755 });
  const git = (...args: string[]) => runGit(args, { directory: tree, signal });
  await git('init', '--quiet', '--template=', '--initial-branch=main');
  await git('remote', 'add', 'origin', remote);
  const fetched = await fetchCommit(git, ref, signal);
  await git('-c', 'advice.detachedHead=false', 'checkout', '--quiet', '--force', '--detach', fetched);
  const commit = (await git('rev-parse', 'HEAD')).trim();
  checkCommit(commit, attrs['git.checksum']);
  if (attrs['git.skipsubmodules'] !== 'true') {
    await git('submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1');
  }
  const time = Number(await git('log', '-1', '--format=%ct'));
  if (attrs['git.keepgitdir'] !== 'true') rmSync(join(tree, '.git'), { recursive: true, force: true });
  // The same commit gives the same layer wherever and whenever it is checked out.
  stampTree(tree, time);
  return { path: subdirectory === '' ? tree : below(tree, subdirectory), commit };
}

type Git = (...args: string[]) => Promise<string>;

/** One commit alone where the server can; else all of the history, as for commits that it does not give by name. */
async function fetchCommit(git: Git, ref: string, signal: AbortSignal): Promise<string> {
  try {
    await git('fetch', '--quiet', '--depth=1', '--no-tags', 'origin', ref || 'HEAD');
  } catch {
    signal.throwIfAborted();
    if (/^[0-9a-f]{7,64}$/.test(ref)) {
      await git('fetch', '--quiet', '--no-tags', 'origin', '+refs/*:refs/remotes/origin/*');
      return (await git('rev-parse', '--verify', `${ref}^{commit}`)).trim();
    }
    await git('fetch', '--quiet', '--no-tags', 'origin', ref || 'HEAD');
  }
  return 'FETCH_HEAD';
}

function checkCommit(found: string, wanted: string | undefined): void {
  if (!wanted) return;
  if (!/^[0-9a-f]{7,64}$/.test(wanted)) throw invalidArgument(`invalid checksum ${JSON.stringify(wanted)} of a commit`);
  if (!found.startsWith(wanted)) throw invalidArgument(`expected checksum to match ${wanted}, got ${found}`);
}

function parseSource(identifier: string, fullUrl: string | undefined) {
  const [address = '', fragment = ''] = splitAt(identifier, '#');
  const [ref = '', subdirectory = ''] = splitAt(fragment, ':');
  const remote = fullUrl || address.replace(/^git:\/\//, 'https://');
  if (/^(?:ssh:|[^/]*@)/.test(remote)) {
    throw new EngineError('not_found', 'no SSH key "default" forwarded from the client');
  }
  // git would take it for an option.
  if (!/^(?:https?|git):\/\//.test(remote)) throw invalidArgument(`invalid address of a repository: ${remote}`);
  if (!/^[^-\0][^\0]*$|^$/.test(ref)) throw invalidArgument(`invalid git reference ${JSON.stringify(ref)}`);
  return { remote, ref, subdirectory };
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** No link of the repository leads out of it. */
function below(tree: string, subdirectory: string): string {
  using root = openRoot(tree);
  const found = resolveInRoot(root, subdirectory);
  if (found === undefined) throw new EngineError('not_found', `subdir not found: ${JSON.stringify(subdirectory)}`);
  return found;
}
