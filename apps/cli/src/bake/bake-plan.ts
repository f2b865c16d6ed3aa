import { ExitError } from '../exit-error.ts';
import { cut } from '../flags/parse.ts';
import type { BakeFile } from './bake-file.ts';

export type TargetFields = Readonly<Record<string, unknown>>;

const lists = [
  'tags platforms output cache-from cache-to secret ssh no-cache-filter annotations attest ulimits entitlements',
]
  .join(' ')
  .split(' ');
const texts = ['context', 'dockerfile', 'dockerfile-inline', 'target', 'network', 'shm-size', 'description', 'call'];
const maps = ['args', 'labels', 'contexts'];
const switches = ['no-cache', 'pull'];
const known = new Set([...lists, ...texts, ...maps, ...switches]);

/** The targets that the names mean, whole: what they inherit and what `--set` changes of them is in. */
export function planBake(
  file: BakeFile,
  names: readonly string[],
  sets: readonly string[],
): ReadonlyMap<string, TargetFields> {
  const chosen = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name)) throw new ExitError(1, `ERROR: group ${name} is in itself`);
    const members = file.groups[name];
    if (members) for (const member of members) visit(member, [...above, name]);
    else if (file.targets[name]) chosen.add(name);
    else throw new ExitError(1, `ERROR: failed to find target ${name}`);
  };
  for (const name of names.length > 0 ? names : ['default']) visit(name, []);
  return new Map([...chosen].map((name) => [name, overridden(name, resolved(file, name, []), sets)]));
}

function resolved({ targets, groups }: BakeFile, name: string, above: readonly string[]): TargetFields {
  const own = targets[name];
  if (!own) throw new ExitError(1, `ERROR: failed to find target ${name}`);
  if (above.includes(name)) throw new ExitError(1, `ERROR: infinite loop from ${name}`);
  const { inherits = [], ...fields } = own;
  const other = Object.keys(fields).find((key) => !known.has(key));
  if (other !== undefined) throw new ExitError(1, `ERROR: target ${name}: ${other} is not supported`);
  let merged: TargetFields = {};
  for (const parent of inherits as string[]) {
    merged = mergeFields(merged, resolved({ targets, groups }, parent, [...above, name]));
  }
  return mergeFields(merged, fields);
}

/** Maps are joined, everything else is taken over. */
function mergeFields(base: TargetFields, over: TargetFields): TargetFields {
  const joined = maps
    .filter((key) => base[key] && over[key])
    .map((key) => [key, { ...(base[key] as object), ...(over[key] as object) }]);
  return { ...base, ...over, ...Object.fromEntries(joined) };
}

/** `target.key=value`; the target may have `*`. The first value of a list takes its place, more are added. */
function overridden(name: string, fields: TargetFields, sets: readonly string[]): TargetFields {
  const result: Record<string, unknown> = { ...fields };
  const begun = new Set<string>();
  for (const text of sets) {
    const [path, value] = cut(text, '=');
    const [pattern, key = '', ...inner] = path.split('.');
    if (value === undefined || key === '') {
      throw new ExitError(1, `ERROR: invalid override ${text}, expected target.name=value`);
    }
    if (!new RegExp(`^${(pattern ?? '').split('*').map(RegExp.escape).join('.*')}$`).test(name)) continue;
    if (maps.includes(key)) result[key] = { ...(result[key] as object), [inner.join('.')]: value };
    else if (lists.includes(key)) {
      result[key] = [...(begun.has(key) ? (result[key] as string[]) : []), value];
      begun.add(key);
    } else if (switches.includes(key)) result[key] = value === 'true' || value === '1';
    else if (texts.includes(key)) result[key] = value;
    else throw new ExitError(1, `ERROR: unknown key: ${key}`);
  }
  return result;
}
