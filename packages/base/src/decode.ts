import { invalidArgument } from './error.ts';
import { explainJson } from './json-syntax.ts';

/**
 * Decoding as Go's encoding/json does it, since clients are Go programs: keys match in any letter case, unknown keys
 * are ignored, `null` and an absent key give the zero value, a wrong type is an error. Every decoder takes
 * `undefined` for absent; `path` is the struct and field for the message.
 */
export type Decoder<T> = (value: unknown, path: string) => T;

/** Reads one JSON document, refusing what follows it. `undefined` for an empty text. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidArgument(explainJson(text), { cause });
  }
}

export function decode<T>(decoder: Decoder<T>, value: unknown): T {
  return decoder(value, '');
}

export const text: Decoder<string> = (value, path) => {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw mismatch(value, path, 'string');
  return value;
};

export const boolean: Decoder<boolean> = (value, path) => {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw mismatch(value, path, 'bool');
  return value;
};

export const integer: Decoder<number> = (value, path) => decodeInteger(value, path, 'int64', -(2 ** 63), 2 ** 63);
export const uint16: Decoder<number> = (value, path) => decodeInteger(value, path, 'uint16', 0, 2 ** 16 - 1);
export const uint32: Decoder<number> = (value, path) => decodeInteger(value, path, 'uint32', 0, 2 ** 32 - 1);
export const uint64: Decoder<number> = (value, path) => decodeInteger(value, path, 'uint64', 0, 2 ** 64);

function decodeInteger(value: unknown, path: string, type: string, least: number, most: number): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number') throw mismatch(value, path, type);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalidArgument(`json: cannot unmarshal number ${value} into Go ${place(path)}of type ${type}`);
  }
  // Go has no -0.
  return value === 0 ? 0 : value;
}

/** `null` and absent stay `null`: Go's pointers. */
export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === undefined || value === null ? null : inner(value, path));
}

/** An absent list is `null`, which Docker tells from an empty one. */
export function list<T>(inner: Decoder<T>): Decoder<T[] | null> {
  return (value, path) => {
    if (value === undefined || value === null) return null;
    if (!Array.isArray(value)) throw mismatch(value, path, '[]');
    return value.map((item) => inner(item, path));
  };
}

/** Go's strslice: a lone string is a list of one. */
export const textsOrText: Decoder<string[] | null> = (value, path) => {
  return typeof value === 'string' ? [value] : list(text)(value, path);
};

/** An absent map is an empty one. */
export function map<T>(inner: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path) => {
    if (value === undefined || value === null) return {};
    if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, path, 'map[string]');
    // fromEntries defines own properties: a key `__proto__` is data like any other.
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item, path)]));
  };
}

/** Go's `struct{}`, the value of sets. */
export const emptyStruct: Decoder<object> = (value, path) => {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, path, 'struct {}');
  return {};
};

/** One of a closed set; anything else is Go's ordinary value for the caller to refuse, so it stays text. */
export function oneOf<T extends string>(values: readonly T[], refuse: (value: string) => Error): Decoder<T> {
  return (value, path) => {
    const found = text(value, path);
    if (!(values as readonly string[]).includes(found)) throw refuse(found);
    return found as T;
  };
}

type Fields<T> = { readonly [K in keyof T]-?: Decoder<T[K]> };

/** A Go struct: every field is present in the result, at its zero value where the client sent none. */
export function struct<T extends object>(name: string, fields: Fields<T>): Decoder<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  const byFold = new Map(names.map((field) => [field.toLowerCase(), field]));
  return (value, path) => {
    const sent = new Map<string, unknown>();
    if (value !== undefined && value !== null) {
      if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, path, name);
      for (const [key, item] of Object.entries(value)) {
        const field = byFold.get(key.toLowerCase());
        // Go leaves a field as it is when it meets `null`.
        if (field !== undefined && item !== null) sent.set(field, item);
      }
    }
    const parent = path === '' ? name : path;
    const result: Partial<T> = {};
    for (const field of names) result[field] = fields[field](sent.get(field), `${parent}.${field}`);
    return result as T;
  };
}

function mismatch(value: unknown, path: string, type: string): Error {
  return invalidArgument(`json: cannot unmarshal ${jsonKind(value)} into Go ${place(path)}of type ${type}`);
}

function place(path: string): string {
  return path === '' ? 'value ' : `struct field ${path} `;
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}
