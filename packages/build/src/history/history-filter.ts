import { parseDuration } from '@wharf/base/duration';
import { invalidArgument } from '@wharf/base/error';
import { parsePointInTime } from '@wharf/base/point-in-time';
import { type BuildRecord, statusOf } from './build-record.ts';

export type RecordFilter = (record: BuildRecord) => boolean;

const term = /^([A-Za-z]+)(==|~=|!=|<=|>=|=|<|>)(.*)$/s;
const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/**
 * One term of a filter, as people and buildx write it: `status=error`, `ref~=abc`, `duration>1m`, `startedAt<24h`.
 * Throws invalid_argument.
 */
export function parseRecordFilter(text: string, now: number): RecordFilter {
  const [, name = '', sign = '', value = ''] = term.exec(text) ?? [];
  if (name === '') throw invalidArgument(`invalid filter ${JSON.stringify(text)}`);
  const read = texts[name];
  if (read) {
    if (orders[sign]) throw invalidArgument(`invalid separator for ${JSON.stringify(text)}, expected = or !=`);
    if (sign === '!=') return (record) => read(record) !== value;
    if (sign === '==' || (sign === '=' && name === 'status')) return (record) => read(record) === value;
    return (record) => read(record).includes(value);
  }
  const order = orders[sign];
  const measure = numbers[name];
  if (!measure) throw invalidArgument(`unsupported filter ${JSON.stringify(text)}`);
  if (!order) throw invalidArgument(`invalid separator for ${JSON.stringify(text)}, expected <=, <, >= or >`);
  const limit =
    name === 'duration'
      ? Number(parseDuration(value)) / 1e6
      : Number(parsePointInTime(value, BigInt(now) * 1_000_000n) / 1_000_000n);
  return (record) => {
    const measured = measure(record);
    return measured !== undefined && order(measured, limit);
  };
}

const texts: Readonly<Record<string, (record: BuildRecord) => string>> = {
  ref: ({ ref }) => ref,
  status: statusOf,
  repository: ({ options }) => options['vcs:source'] ?? options.context ?? '',
};

const numbers: Readonly<Record<string, (record: BuildRecord) => number | undefined>> = {
  startedAt: ({ createdAt }) => createdAt,
  completedAt: ({ completedAt }) => completedAt,
  duration: ({ createdAt, completedAt }) => (completedAt === undefined ? undefined : completedAt - createdAt),
};

/** Fields of a line of comma-separated values, some of them in quotes. */
export function splitTerms(line: string): string[] {
  const fields = line.match(/"(?:[^"]|"")*"|[^,]+/g) ?? [];
  return fields.map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
}
