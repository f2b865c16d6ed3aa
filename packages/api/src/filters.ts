import { invalidArgument } from '@wharf/base/error';

/** A query's filters: name to its values, in the order sent. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export const noFilters: Filters = new Map();

/** Reads both wire forms: `{"label":["a=b"]}` and `{"label":{"a=b":true}}`. */
export function parseFilters(text: string | undefined): Filters {
  if (!text) return noFilters;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalidArgument('invalid filter', { cause });
  }
  if (parsed === null) return noFilters;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw invalidArgument('invalid filter');
  const filters = new Map<string, readonly string[]>();
  for (const [name, values] of Object.entries(parsed)) filters.set(name, valuesOf(values));
  return filters;
}

function valuesOf(values: unknown): string[] {
  if (values === null) return [];
  if (Array.isArray(values)) {
    if (!values.every((value) => typeof value === 'string')) throw invalidArgument('invalid filter');
    return [...new Set(values)];
  }
  if (typeof values !== 'object') throw invalidArgument('invalid filter');
  const entries: [string, unknown][] = Object.entries(values as object);
  if (!entries.every(([, on]) => typeof on === 'boolean')) throw invalidArgument('invalid filter');
  return entries.filter(([, on]) => on).map(([value]) => value);
}

/** Refuses a filter that the listing does not know: Docker's `invalid filter 'x'`. */
export function checkFilterNames(filters: Filters, accepted: readonly string[]): void {
  for (const name of filters.keys()) {
    if (!accepted.includes(name)) throw invalidArgument(`invalid filter '${name}'`);
  }
}

export function filterValues(filters: Filters, name: string): readonly string[] {
  return filters.get(name) ?? [];
}

/** 1/0/true/false; both at once or anything else is refused. */
export function booleanFilter(filters: Filters, name: string, fallback: boolean): boolean {
  const values = filters.get(name);
  if (!values) return fallback;
  const yes = values.includes('1') || values.includes('true');
  const no = values.includes('0') || values.includes('false');
  if (yes === no) throw invalidArgument(`invalid filter '${name}=[${values.join(' ')}]'`);
  return yes;
}

/** True without the filter, or where `source` is one of its values. */
export function matchesExactly(filters: Filters, name: string, source: string): boolean {
  const values = filterValues(filters, name);
  return values.length === 0 || values.includes(source);
}

/** As `matchesExactly`, the values being regular expressions that match anywhere; a broken one matches nothing. */
export function matchesPattern(filters: Filters, name: string, source: string): boolean {
  const values = filterValues(filters, name);
  return values.length === 0 || values.some((value) => value === source || patternMatches(value, source));
}

function patternMatches(pattern: string, source: string): boolean {
  try {
    return new RegExp(pattern).test(source);
  } catch {
    return false;
  }
}

/** `label` filters: every value, `key` or `key=value`, must hold. */
export function matchesLabels(
  filters: Filters,
  name: string,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  return filterValues(filters, name).every((value) => hasLabel(labels, value));
}

/** Prune's `label!`: none of the values may hold. */
export function lacksLabels(
  filters: Filters,
  name: string,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  return filterValues(filters, name).every((value) => !hasLabel(labels, value));
}

function hasLabel(labels: Readonly<Record<string, string>> | null | undefined, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!labels || !Object.hasOwn(labels, key)) return false;
  return equals < 0 || labels[key] === wanted.slice(equals + 1);
}
