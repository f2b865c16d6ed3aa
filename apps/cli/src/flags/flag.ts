import { UsageError } from './usage-error.ts';

/** What a shell may offer for a value. */
export type CompletionKind =
  | 'container'
  | 'running-container'
  | 'image'
  | 'network'
  | 'volume'
  | 'build'
  | 'context'
  | 'file'
  | 'environment'
  | 'platform'
  | 'none'
  | readonly string[];

/** One definition of a flag: the parser, the help text and the completion scripts all come from it. */
export interface Flag<T> {
  /** One letter, without the dash. */
  readonly short?: string;
  /** The type's name in help; '' for a switch. */
  readonly kind: string;
  readonly help: string;
  readonly initial: T;
  /** Help's word for the default; empty where there is none worth saying. */
  readonly shown: string;
  /** What the flag means without a value: `--rm` is `--rm=true`. */
  readonly bare?: string;
  /** The value after one more occurrence. Throws an Error whose message says what is wrong. */
  accept(current: T, text: string): T;
  readonly complete?: CompletionKind;
  readonly hidden?: boolean;
  /** The first version of the API, 1.`since`, that knows it: older daemons would ignore it without a word. */
  readonly since?: number;
}

type AnyFlags = { readonly [name: string]: unknown };

/** The parsed values of a set of flags, by flag name. */
export type Values<F extends AnyFlags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never } & {
  readonly [changedFlags]: ReadonlySet<string>;
};

export const changedFlags = Symbol('changed flags');

/** Whether the flag was on the command line, whatever its value. */
export function isChanged(values: { readonly [changedFlags]: ReadonlySet<string> }, name: string): boolean {
  return values[changedFlags].has(name);
}

interface FlagOptions {
  readonly short?: string;
  readonly complete?: CompletionKind;
  readonly hidden?: boolean;
  readonly since?: number;
}

export function bool(help: string, options: FlagOptions & { readonly initial?: boolean } = {}): Flag<boolean> {
  const { initial = false, ...rest } = options;
  return {
    ...rest,
    kind: '',
    help,
    initial,
    shown: initial ? 'true' : '',
    bare: 'true',
    accept: (_, text) => parseBool(text),
  };
}

/** A text; the last occurrence counts. */
export function text(
  help: string,
  options: FlagOptions & { readonly initial?: string; readonly kind?: string } = {},
): Flag<string> {
  const { initial = '', kind = 'string', ...rest } = options;
  return {
    ...rest,
    kind,
    help,
    initial,
    shown: initial === '' ? '' : JSON.stringify(initial),
    accept: (_, given) => given,
  };
}

/** A whole number. */
export function int(
  help: string,
  options: FlagOptions & { readonly initial?: number; readonly kind?: string; readonly shown?: string } = {},
): Flag<number> {
  const { initial = 0, kind = 'int', shown = initial === 0 ? '' : String(initial), ...rest } = options;
  return { ...rest, kind, help, initial, shown, accept: (_, given) => parseInteger(given, kind) };
}

/** May be repeated; `check` refuses or rewrites one value. */
export function list(
  help: string,
  options: FlagOptions & {
    readonly kind?: string;
    readonly shown?: string;
    readonly check?: (value: string) => string;
  } = {},
): Flag<readonly string[]> {
  const { kind = 'list', shown = '', check = (value) => value, ...rest } = options;
  return { ...rest, kind, help, initial: [], shown, accept: (current, given) => [...current, check(given)] };
}

/** As `list`, and one occurrence may hold several values separated by commas. */
export function strings(help: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return {
    ...options,
    kind: 'strings',
    help,
    initial: [],
    shown: '',
    accept: (current, given) => [...current, ...(given === '' ? [] : given.split(','))],
  };
}

/** Any other value, each occurrence parsed and collected. */
export function parsedList<T>(
  help: string,
  kind: string,
  parse: (value: string) => T,
  options: FlagOptions & { readonly shown?: string } = {},
): Flag<readonly T[]> {
  const { shown = '', ...rest } = options;
  return { ...rest, kind, help, initial: [], shown, accept: (current, given) => [...current, parse(given)] };
}

/** Any other single value. */
export function parsed<T>(
  help: string,
  kind: string,
  initial: T,
  parse: (value: string) => T,
  options: FlagOptions & { readonly shown?: string } = {},
): Flag<T> {
  const { shown = '', ...rest } = options;
  return { ...rest, kind, help, initial, shown, accept: (_, given) => parse(given) };
}

/** `strconv.ParseBool`: the texts that Go takes. */
export function parseBool(given: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(given)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(given)) return false;
  throw new UsageError(`strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`);
}

/** `strconv.ParseInt` or `ParseUint` with base 0: `kind` tells the range. */
export function parseInteger(given: string, kind: string): number {
  const unsigned = kind.startsWith('uint');
  const parser = unsigned ? 'ParseUint' : 'ParseInt';
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[0-9]+)$/.exec(given);
  if (!match || (unsigned && match[1] !== '')) {
    throw new UsageError(`strconv.${parser}: parsing ${JSON.stringify(given)}: invalid syntax`);
  }
  const digits = /^0[0-7]+$/.test(match[2] ?? '') ? `0o${match[2]}` : (match[2] ?? '');
  const value = Number(digits) * (match[1] === '-' ? -1 : 1);
  const bits = Number(/\d+$/.exec(kind)?.[0] ?? 63);
  const limit = 2 ** bits;
  if (value >= limit || value < -limit) {
    throw new UsageError(`strconv.${parser}: parsing ${JSON.stringify(given)}: value out of range`);
  }
  return value;
}
