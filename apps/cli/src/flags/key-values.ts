import { cut } from './parse.ts';
import { UsageError } from './usage-error.ts';

/** `key=value` texts as a map; a key alone has the value ''. Later ones win. */
export function toMap(pairs: readonly string[]): Record<string, string> {
  const map: Record<string, string> = {};
  for (const pair of pairs) {
    const [key, value = ''] = cut(pair, '=');
    map[key] = value;
  }
  return map;
}

/** Checks a `--label`: the key must not be empty. */
export function checkLabel(pair: string): string {
  if (pair.startsWith('=')) throw new UsageError(`invalid label '${pair}': empty name`);
  return pair;
}

/** `--filter` values as the API's map of name to values. Undefined for none. */
export function filtersQuery(filters: readonly string[]): string | undefined {
  if (filters.length === 0) return undefined;
  const map: Record<string, Record<string, true>> = {};
  for (const filter of filters) {
    const [name, value = ''] = cut(filter, '=');
    const key = name.trim().toLowerCase();
    map[key] ??= {};
    map[key][value.trim()] = true;
  }
  return JSON.stringify(map);
}

/** Refuses a `--filter` that is not `name=value`. */
export function checkFilter(filter: string): string {
  if (filter !== '' && !filter.includes('=')) {
    throw new UsageError('bad format of filter (expected name=value)');
  }
  return filter;
}

/** The lines of `--env-file` and `--label-file`: comments and blank lines dropped, `NAME` alone looked up. */
export function parseKeyValueFile(content: string, lookup: (name: string) => string | undefined): string[] {
  const pairs: string[] = [];
  for (const raw of content.replace(/^\uFEFF/, '').split('\n')) {
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const [name, value] = cut(line, '=');
    if (/[ \t]/.test(name)) throw new UsageError(`variable '${name}' contains whitespaces`);
    if (name === '') throw new UsageError(`no variable name on line '${line}'`);
    if (value !== undefined) pairs.push(`${name}=${value}`);
    else {
      const inherited = lookup(name);
      if (inherited !== undefined) pairs.push(`${name}=${inherited}`);
    }
  }
  return pairs;
}

/** A line of comma separated values with double quotes, as Go's csv reader splits it. */
export function splitCsv(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      let field = '';
      for (at++; ; at++) {
        if (at >= line.length)
          throw new UsageError(`parse error on line 1, column ${at + 1}: extraneous or missing " in quoted-field`);
        if (line[at] !== '"') field += line[at];
        else if (line[at + 1] === '"') {
          field += '"';
          at++;
        } else break;
      }
      at++;
      if (at < line.length && line[at] !== ',') {
        throw new UsageError(`parse error on line 1, column ${at}: extraneous or missing " in quoted-field`);
      }
      fields.push(field);
    } else {
      const end = line.indexOf(',', at);
      const field = line.slice(at, end < 0 ? undefined : end);
      if (field.includes('"')) {
        throw new UsageError(
          `parse error on line 1, column ${at + field.indexOf('"') + 1}: bare " in non-quoted-field`,
        );
      }
      fields.push(field);
      at = end < 0 ? line.length : end;
    }
    if (line[at] !== ',') return fields;
    at++;
  }
}
