import { goPrint, goPrintf, goQuote } from './go-print.ts';
import { isRow, openMap, rowToJson } from './row.ts';

export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** What Go calls true: not false, 0, '', nil, or an empty list or map. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return false;
  if (typeof value === 'object' && !isRow(value)) return Object.keys(value).length > 0;
  return true;
}

/** Go's own functions and those that docker adds. `and` and `or` are evaluated by the executor, which stops early. */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  and: (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1),
  or: (...args) => args.find((arg) => isTrue(arg)) ?? args.at(-1),
  not: (value) => !isTrue(value),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexed, value),
  slice: (value, from = 0, to) => {
    if (typeof value === 'string')
      return Buffer.from(value)
        .subarray(Number(from), to === undefined ? undefined : Number(to))
        .toString();
    if (Array.isArray(value)) return value.slice(Number(from), to === undefined ? undefined : Number(to));
    throw new Error(`can't slice item of type ${typeof value}`);
  },
  print: (...args) => spaced(args),
  println: (...args) => `${args.map((arg) => goPrint(arg, true)).join(' ')}\n`,
  printf: (format, ...args) => goPrintf(String(format), args),
  eq: (first, ...rest) => {
    if (rest.length === 0) throw new Error('missing argument for comparison');
    return rest.some((other) => equal(first, other));
  },
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  html: (...args) => spaced(args).replace(/[<>&'"]/g, (found) => `&#${found.charCodeAt(0)};`),
  js: (...args) => goQuote(spaced(args)).slice(1, -1),
  urlquery: (...args) => encodeURIComponent(spaced(args)).replaceAll('%20', '+'),
  json: (value) => goJson(value),
  split: (text, separator) => String(text).split(String(separator)),
  join: (items, separator) => {
    if (!Array.isArray(items))
      throw new Error(`wrong type for value; expected []string; got ${items === null ? 'nil' : typeof items}`);
    return items.map((item) => goPrint(item, true)).join(String(separator));
  },
  title: (text) =>
    String(text).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  pad: (text, before, after) =>
    text === '' ? '' : ' '.repeat(Number(before)) + String(text) + ' '.repeat(Number(after)),
  truncate: (text, length) =>
    String(text).length < Number(length) ? String(text) : String(text).slice(0, Number(length)),
};

/** The same names over table headers, which stay as they are. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...functions,
  json: (value) => value,
  title: (value) => value,
  lower: (value) => value,
  upper: (value) => value,
  truncate: (value) => value,
  join: (value) => value,
  split: (value) => value,
};

/** JSON as docker's `json` function writes it: a row's fields by name. */
export function goJson(value: unknown): string {
  if (!isRow(value)) return JSON.stringify(value ?? null);
  // Go escapes HTML in what a type marshals by itself, whatever the encoder around it is told.
  return JSON.stringify(rowToJson(value)).replace(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value === null || value === undefined) throw new Error('len of nil pointer');
  if (typeof value === 'object') return Object.keys(value).length;
  throw new Error(`len of type ${typeof value}`);
}

function indexed(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) throw new Error('index of untyped nil');
  if (Array.isArray(value) || typeof value === 'string') {
    const at = Number(key);
    if (typeof key !== 'number') throw new Error(`cannot index slice/array with type ${typeof key}`);
    if (at < 0 || at >= value.length) throw new Error(`index out of range: ${at}`);
    return typeof value === 'string' ? Buffer.from(value)[at] : value[at];
  }
  if (typeof value === 'object')
    return Object.hasOwn(value, String(key)) ? Reflect.get(value, String(key)) : Reflect.get(value, openMap);
  throw new Error(`can't index item of type ${typeof value}`);
}

function equal(a: unknown, b: unknown): boolean {
  if ((a === null || a === undefined) && (b === null || b === undefined)) return true;
  if (a !== null && b !== null && a !== undefined && b !== undefined && typeof a !== typeof b) {
    throw new Error('incompatible types for comparison');
  }
  return a === b;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw new Error('incompatible types for comparison');
}

/** `fmt.Sprint`: a space between operands when neither is a string. */
function spaced(args: readonly unknown[]): string {
  return args
    .map((arg, at) => {
      const before = args[at - 1];
      const space = at > 0 && typeof arg !== 'string' && typeof before !== 'string';
      return (space ? ' ' : '') + goPrint(arg, true);
    })
    .join('');
}
