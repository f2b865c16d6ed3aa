import { boolean, type Decoder, integer, list, map, text } from '@wharf/base/decode';
import { invalidArgument } from '@wharf/base/error';

/** One setting of the daemon: as a flag, as a key of daemon.json, or as both. Defined once, in `options.ts`. */
export interface Option<T> {
  /** Where the flag is not named as the key is. */
  readonly flag?: string;
  readonly short?: string;
  /** A key of daemon.json that has no flag. */
  readonly fileOnly?: true;
  /** How help shows the flag's argument; undefined takes none. */
  readonly argument?: string;
  readonly help: string;
  readonly fallback: T;
  /** `before` is what earlier flags of the same name gave. Throws with what is wrong with the text. */
  readonly fromFlag: (value: string, before: T | undefined) => T;
  readonly fromFile: Decoder<T>;
  /** False for a value that dockerd takes and we do not: it is refused by name. Left out: every value has its effect. */
  readonly supports?: (value: T) => boolean;
}

/** An option of dockerd's of which only some values are right here: the others are refused by name. */
export function only<T>(option: Option<T>, supports: (value: T) => boolean): Option<T> {
  return { ...option, supports };
}

interface Naming {
  readonly flag?: string;
  readonly short?: string;
  readonly argument?: string;
}

export function textOption(help: string, fallback: string, naming: Naming = {}): Option<string> {
  return { argument: 'string', ...naming, help, fallback, fromFlag: (value) => value, fromFile: text };
}

export function choiceOption<T extends string>(
  help: string,
  choices: readonly T[],
  fallback: T,
  naming: Naming = {},
): Option<T> {
  function choose(value: string): T {
    if ((choices as readonly string[]).includes(value)) return value as T;
    throw invalidArgument(`${JSON.stringify(value)} is none of ${choices.join(', ')}`);
  }
  const fromFile: Decoder<T> = (value, path) => choose(text(value, path));
  return { argument: 'string', ...naming, help, fallback, fromFlag: choose, fromFile };
}

export function booleanOption(help: string, fallback: boolean, naming: Naming = {}): Option<boolean> {
  return { ...naming, help, fallback, fromFlag: parseBoolean, fromFile: boolean };
}

export function integerOption(help: string, fallback: number, naming: Naming = {}): Option<number> {
  return { argument: 'int', ...naming, help, fallback, fromFlag: parseInteger, fromFile: integer };
}

export function listOption(
  help: string,
  naming: Naming = {},
  parse: (value: string) => string = (value) => value,
): Option<readonly string[]> {
  return {
    argument: 'list',
    ...naming,
    help,
    fallback: [],
    fromFlag: (value, before = []) => [...before, parse(value)],
    fromFile: (value, path) => list(text)(value, path)?.map(parse) ?? [],
  };
}

/** `--flag name=value`, repeated; an object in the file. */
export function mapOption(help: string, naming: Naming = {}): Option<Readonly<Record<string, string>>> {
  return {
    argument: 'map',
    ...naming,
    help,
    fallback: {},
    fromFlag: (value, before = {}) => {
      const [name, given] = splitPair(value);
      return { ...before, [name]: given };
    },
    fromFile: map(text),
  };
}

/** `--flag name=value`, repeated also for the same name; an object of lists in the file. */
export function listsOption(
  help: string,
  naming: Naming = {},
  parse: (value: string) => string = (value) => value,
): Option<Readonly<Record<string, readonly string[]>>> {
  return {
    argument: 'map',
    ...naming,
    help,
    fallback: {},
    fromFlag: (value, before = {}) => {
      const [name, given] = splitPair(value);
      return { ...before, [name]: [...(before[name] ?? []), parse(given)] };
    },
    fromFile: map((value, path) => list(text)(value, path)?.map(parse) ?? []),
  };
}

function parseBoolean(value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalidArgument(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

function parseInteger(value: string): number {
  if (!/^[-+]?\d{1,15}$/.test(value)) {
    throw invalidArgument(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return Number(value);
}

function splitPair(value: string): [name: string, text: string] {
  const equals = value.indexOf('=');
  if (equals <= 0) throw invalidArgument(`${JSON.stringify(value)} must be formatted as key=value`);
  return [value.slice(0, equals), value.slice(equals + 1)];
}
