import { readJsonTexts } from '@wharf/api/client/json-stream';
import type { EventMessage } from '@wharf/api/events';
import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { filter, inspectFormat } from '../../flags/common.ts';
import { text } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { parsePoint } from '../../flags/point-in-time.ts';
import { guarded } from '../../format/list.ts';
import { localClock, localDate, zoneOffset } from '../../format/time.ts';
import { typedValue } from '../../format/typed-zero.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('"type=container", "event=start", "label=key=value"'),
    format: text(inspectFormat.help, { complete: ['json'] }),
    since: text('Start with what happened after this time', { complete: 'none' }),
    until: text('End with what happened before this time', { complete: 'none' }),
  },
  async run(cli, { filter: filters, format, since, until }) {
    const show = formatter(format);
    const client = await cli.client();
    const { body } = await client.request('GET', '/events', {
      query: {
        since: since === '' ? undefined : parsePoint(since),
        until: until === '' ? undefined : parsePoint(until),
        filters: filtersQuery(filters),
      },
    });
    for await (const line of readJsonTexts(body)) cli.out.print(`${show(line)}\n`);
  },
});

function formatter(format: string): (line: string) => string {
  if (format === '') return describe;
  if (format === 'json' || format === '{{json .}}') return (line) => line;
  const source = format.replace(/\\t/g, '\t').replace(/\\n/g, '\n');
  const parsing = 'Error parsing format';
  const template = guarded(parsing, () => compileTemplate(source), 64);
  return (line) =>
    guarded(parsing, () => executeTemplate(template, typedValue(JSON.parse(line)), { optional: oldFields }), 64);
}

// What daemons before 1.52 add to each message, and what they leave out where it is empty.
const oldFields: ReadonlyMap<string, unknown> = new Map(
  ['Status', 'ID', 'From', 'Scope'].map((name) => [name, ''] as const),
);

/** `time type action id (attributes)`. */
function describe(line: string): string {
  const { Type, Action, Actor }: EventMessage = JSON.parse(line);
  const attributes = Object.entries(Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const suffix = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
  return `${timeOf(line)} ${Type} ${Action} ${Actor.ID}${suffix}`;
}

// The nanoseconds are beyond a double: they are taken from the text.
function timeOf(line: string): string {
  const nanos = /"timeNano":\s*(\d+)/.exec(line)?.[1] ?? '0';
  const seconds = Number(nanos.slice(0, -9) || '0');
  const date = new Date(seconds * 1000);
  const offset = zoneOffset(date);
  const zone = offset === '+0000' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  return `${localDate(date)}T${localClock(date)}.${nanos.slice(-9).padStart(9, '0')}${zone}`;
}
