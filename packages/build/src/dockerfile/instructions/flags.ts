import { invalidArgument } from '@wharf/base/error';
import { didYouMean } from '../suggest.ts';

export type FlagKind = 'boolean' | 'string' | 'strings';
export type FlagKinds = Readonly<Record<string, FlagKind>>;

type Value<Kind extends FlagKind> = Kind extends 'boolean'
  ? boolean | undefined
  : Kind extends 'string'
    ? string | undefined
    : readonly string[];

export type Flags<Kinds extends FlagKinds> = { readonly [Name in keyof Kinds]: Value<Kinds[Name]> };

/** Reads `--name=value` words of an instruction by what it knows. */
export function parseFlags<Kinds extends FlagKinds>(words: readonly string[], kinds: Kinds): Flags<Kinds> {
  const values: Record<string, boolean | string | string[] | undefined> = {};
  for (const [name, kind] of Object.entries(kinds)) values[name] = kind === 'strings' ? [] : undefined;
  const used = new Set<string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      throw invalidArgument(`unknown flag: --${name}${didYouMean(name, Object.keys(kinds))}`);
    }
    if (used.has(name) && kind !== 'strings') throw invalidArgument(`duplicate flag specified: --${name}`);
    used.add(name);
    switch (kind) {
      case 'boolean':
        values[name] = parseBoolean(name, value);
        break;
      case 'string':
        values[name] = required(name, value);
        break;
      case 'strings':
        (values[name] as string[]).push(required(name, value));
        break;
    }
  }
  return values as Flags<Kinds>;
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw invalidArgument(`missing a value on flag: --${name}`);
  return value;
}

function parseBoolean(name: string, value: string | undefined): boolean {
  if (value === '') throw invalidArgument(`missing a value on flag: --${name}`);
  switch (value?.toLowerCase()) {
    case undefined:
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      throw invalidArgument(`expecting boolean value for flag --${name}, not: ${value}`);
  }
}
