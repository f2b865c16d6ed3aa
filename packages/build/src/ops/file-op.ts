import { invalidArgument, notImplemented } from '@wharf/base/error';
import type { ChownOpt, FileAction, FileActionCopy, FileOp, UserOpt } from '../pb/llb_pb.ts';
import type { FileStep, OwnerLookup } from '../trees/file-step.ts';
import type { Selection } from '../trees/select.ts';
import { byteName } from '../trees/tree-view.ts';

/** A FileOp as one chain of steps on one tree. Numbers are those of the vertex's inputs; -1 is the empty file system. */
export interface PlannedFileOp {
  readonly base: number;
  /** Inputs that are copied from, in the order of the job's sources; -1 as well is the empty file system. */
  readonly sources: readonly number[];
  readonly steps: readonly FileStep[];
  /** What is read of each source. */
  readonly selections: readonly (readonly Selection[])[];
}

export function planFileOp({ actions }: FileOp, inputCount: number): PlannedFileOp {
  const [first] = actions;
  if (!first) throw invalidArgument('invalid file operation: it does nothing');
  const sources: number[] = [];
  const selections: Selection[][] = [];
  const sourceOf = (input: bigint): number => {
    const number = Number(input);
    if (number >= inputCount) throw notImplemented('a file operation that copies from another one of its own');
    const known = sources.indexOf(number);
    if (known >= 0) return known;
    selections.push([]);
    return sources.push(number) - 1;
  };
  const steps = actions.map((action, index) => {
    const expected = index === 0 ? Number(first.input) : inputCount + index - 1;
    if (Number(action.input) !== expected) throw notImplemented('a file operation that is no chain of actions');
    const step = planAction(action, sourceOf);
    if (step.kind === 'copy') selections[step.source]!.push(step.selection);
    return step;
  });
  if (Number(actions.at(-1)!.output) !== 0) throw notImplemented('a file operation with several results');
  return { base: Number(first.input), sources, steps, selections };
}

function planAction({ action, secondaryInput }: FileAction, sourceOf: (input: bigint) => number): FileStep {
  switch (action.case) {
    case 'copy':
      return planCopy(action.value, sourceOf(secondaryInput));
    case 'mkfile': {
      const { path, mode, data, owner, timestamp } = action.value;
      const place = { path: byteName(path), mode, content: data, owner: ownerOf(owner), mtime: timeOf(timestamp) };
      return { kind: 'mkfile', ...place };
    }
    case 'mkdir': {
      const { path, mode, makeParents: parents, owner, timestamp } = action.value;
      return { kind: 'mkdir', path: byteName(path), mode, parents, owner: ownerOf(owner), mtime: timeOf(timestamp) };
    }
    case 'rm': {
      const { path, allowNotFound, allowWildcard: wildcard } = action.value;
      return { kind: 'rm', path: byteName(path), allowNotFound, wildcard };
    }
    case 'symlink': {
      const { oldpath, newpath, owner, timestamp } = action.value;
      const [target, path] = [byteName(oldpath), byteName(newpath)];
      return { kind: 'symlink', target, path, owner: ownerOf(owner), mtime: timeOf(timestamp) };
    }
    default:
      throw notImplemented('an unknown file action');
  }
}

function planCopy(copy: FileActionCopy, source: number): FileStep {
  const { src, dest, owner, mode, modeStr, timestamp, includePatterns, excludePatterns } = copy;
  return {
    kind: 'copy',
    source,
    selection: {
      path: byteName(src),
      wildcard: copy.allowWildcard,
      followLinks: copy.followSymlink,
      includePatterns,
      excludePatterns,
    },
    allowEmpty: copy.allowEmptyWildcard,
    destination: byteName(dest),
    createParents: copy.createDestPath,
    contents: copy.dirCopyContents,
    unpack: copy.attemptUnpackDockerCompatibility,
    owner: ownerOf(owner),
    mode: modeStr || (mode >= 0 ? mode.toString(8) : undefined),
    mtime: timeOf(timestamp),
    replace: copy.alwaysReplaceExistingDestPaths,
  };
}

/** -1 leaves it as it is. */
function timeOf(timestamp: bigint): bigint | undefined {
  return timestamp === -1n ? undefined : timestamp;
}

/** Names are looked up in the tree that is changed, which is where frontends say they are. */
function ownerOf(owner: ChownOpt | undefined): OwnerLookup | undefined {
  if (!owner?.user && !owner?.group) return undefined;
  return { user: userOf(owner.user) ?? 0, group: userOf(owner.group), source: 'target' };
}

function userOf(option: UserOpt | undefined): string | number | undefined {
  switch (option?.user.case) {
    case 'byID':
      return option.user.value;
    case 'byName':
      return option.user.value.name;
    default:
      return undefined;
  }
}
