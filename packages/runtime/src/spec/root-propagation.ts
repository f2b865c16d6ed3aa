import { realpathSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';
import type { SpecMount } from './mounts.ts';

/**
 * A bind that shares mount events with the host needs the container's root to let them through, and a source that
 * is itself shared. Throws Docker's `path x is mounted on y but it is not a shared mount`.
 */
export function resolveRootPropagation(
  mounts: readonly SpecMount[],
  readMountInfo: () => string,
): 'shared' | 'rslave' | undefined {
  const sharing = mounts.filter(({ propagation }) => /^r?(shared|slave)$/.test(propagation));
  if (sharing.length === 0) return undefined;
  const table = parseMountInfo(readMountInfo());
  let result: 'shared' | 'rslave' = 'rslave';
  for (const { source, propagation } of sharing) {
    const mount = mountOf(table, realpathSync(source));
    const isShared = mount.optional.some((field) => field.startsWith('shared:'));
    const isSlave = mount.optional.some((field) => field.startsWith('master:'));
    if (propagation.endsWith('shared')) {
      if (!isShared) throw notShared(source, mount.target, 'a shared mount');
      result = 'shared';
    } else if (!isShared && !isSlave) throw notShared(source, mount.target, 'a shared or slave mount');
  }
  return result;
}

function notShared(source: string, target: string, what: string): Error {
  return new EngineError('internal', `path ${source} is mounted on ${target} but it is not ${what}`);
}

interface MountInfoLine {
  readonly target: string;
  /** `shared:1`, `master:2` */
  readonly optional: readonly string[];
}

/** proc(5): id parent major:minor root target options [optional...] - type source superOptions */
function parseMountInfo(text: string): MountInfoLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      return { target: unescapeOctal(fields[4]!), optional: fields.slice(6, fields.indexOf('-')) };
    });
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function mountOf(table: readonly MountInfoLine[], path: string): MountInfoLine {
  let best: MountInfoLine = { target: '', optional: [] };
  for (const line of table) {
    const holds = line.target === '/' || path === line.target || path.startsWith(`${line.target}/`);
    if (holds && line.target.length >= best.target.length) best = line;
  }
  return best;
}
