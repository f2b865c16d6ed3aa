import type { FileChange } from './compare-files.ts';
import type { Cause } from './step-explanation.ts';

/** One sentence without its full stop. */
export function describeCause(cause: Cause): string {
  switch (cause.kind) {
    case 'unchanged':
      return 'nothing that it depends on has changed';
    case 'known':
      return 'an earlier build has made the same';
    case 'first-build':
      return 'there is no earlier build of this to compare with';
    case 'new-step':
      return 'the last build had no such step';
    case 'no-cache':
      return 'it was told to leave the cache alone (--no-cache or --no-cache-filter)';
    case 'command':
      return cause.before === cause.now ? 'its options or contents changed' : 'the command changed';
    case 'variable':
      return `the variable ${cause.name} ${cause.change === 'changed' ? 'changed' : `was ${cause.change}`}`;
    case 'setting':
      return `its ${cause.name} changed`;
    case 'base-image':
      return `the base image ${cause.reference} changed`;
    case 'input':
      return cause.step === '' ? 'what it builds on changed' : `its input ${cause.step} ran again`;
    case 'files':
      return describeFiles(cause);
    case 'pruned':
      return 'nothing has changed, but its result is no longer in the cache: it was pruned';
    case 'failed-before':
      return 'nothing has changed, but the last build did not finish it';
  }
}

function describeFiles({ from, changes, count }: Extract<Cause, { kind: 'files' }>): string {
  const [first] = changes;
  const whose = from === '' ? '' : ` of ${from}`;
  if (!first) return `files${whose} changed`;
  const rest = count > 1 ? ` and ${count - 1} more` : '';
  return `${describeFile(first)}${rest}${whose}`;
}

/** What a cause is about, a line each; without what its sentence says. */
export function causeDetails(cause: Cause): string[] {
  switch (cause.kind) {
    case 'command':
      return cause.before === cause.now ? [] : [`was: ${cause.before}`, `now: ${cause.now}`];
    case 'setting':
    case 'base-image':
      return [`was: ${cause.before || 'not set'}`, `now: ${cause.now || 'not set'}`];
    case 'files': {
      if (cause.count < 2) return [];
      const more = cause.count - cause.changes.length;
      return [...cause.changes.map(describeFile), ...(more > 0 ? [`and ${more} more`] : [])];
    }
    case 'unchanged':
    case 'known':
    case 'first-build':
    case 'new-step':
    case 'no-cache':
    case 'variable':
    case 'input':
    case 'pruned':
    case 'failed-before':
      return [];
  }
}

const words = {
  added: 'was added',
  changed: 'changed',
  removed: 'was removed',
  mode: 'has another mode',
  owner: 'has another owner',
} as const satisfies Record<FileChange['kind'], string>;

function describeFile({ kind, path }: FileChange): string {
  return `${path || '/'} ${words[kind]}`;
}
