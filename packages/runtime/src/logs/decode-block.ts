import { frameHeader } from '@wharf/api/streams/stdcopy';
import type { LogStream } from './json-file-writer.ts';
import { nineDigits } from './line-time.ts';

/** What of a log a reader wants, and how. */
export interface LogView {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** RFC 3339 with nine digits of fraction, inclusive. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Raw bytes instead of stdcopy frames. */
  readonly tty: boolean;
  /** A JSON object a line instead. */
  readonly format?: 'json' | undefined;
}

/** Turns json-file lines (latin1, whole ones) into what the client reads. A line that is none is left out. */
export function decodeBlock(text: string, view: LogView): Buffer[] {
  if (text === '') return [];
  if (view.format === 'json') return [jsonLines(text, view)];
  const plain = view.timestamps || view.details || view.since !== undefined || view.until !== undefined;
  return (plain ? undefined : decodeUniform(text, view)) ?? decodeLines(text, view);
}

const opening = '{"log":"';
/** Bytes of payload that are rather copied than sent apart from their header. */
const smallFrame = 16 * 1024;

/**
 * The common case, ten times faster than line by line: every line is of one stream, ends in a newline, and is as our
 * writer makes it. A quote inside a text is escaped, so that the pattern matches between lines only.
 */
function decodeUniform(text: string, view: LogView): Buffer[] | undefined {
  if (!text.startsWith(opening)) return undefined;
  const stream = text.startsWith('stdout', text.indexOf('","stream":"') + '","stream":"'.length) ? 'stdout' : 'stderr';
  const joined = text.slice(opening.length).replace(between[stream], '\n');
  const payload = unescapeLines(joined);
  if (payload === undefined) return undefined;
  return view[stream] ? frame(stream, payload, view) : [];
}

const between = {
  stdout: /\\n","stream":"stdout","time":"[^"]{20,35}"\}\n(?:\{"log":")?/g,
  stderr: /\\n","stream":"stderr","time":"[^"]{20,35}"\}\n(?:\{"log":")?/g,
} as const;

function unescapeLines(joined: string): Buffer | undefined {
  if (!joined.includes('"') && !joined.includes('\\')) return Buffer.from(joined, 'latin1');
  if (wideEscape.test(joined)) return undefined;
  try {
    return Buffer.from(JSON.parse(`"${joined.replaceAll('\n', '\\n')}"`) as string, 'latin1');
  } catch {
    return undefined;
  }
}

/** An escape of a character beyond ASCII stands for several bytes of UTF-8. */
const wideEscape = /\\u(?:00[89a-f]|0[1-9a-f]|[1-9a-f])/i;

export interface LogLine {
  readonly stream: LogStream;
  readonly time: string;
  readonly payload: Buffer;
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

/** The lines of a block; what is none is left out. */
export function* parseLines(text: string): Generator<LogLine> {
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    const line = parseLine(text.slice(at, end));
    at = end + 1;
    if (line) yield line;
  }
}

function decodeLines(text: string, view: LogView): Buffer[] {
  const result: Buffer[] = [];
  let run: Buffer[] = [];
  let runStream: LogStream = 'stdout';
  const flush = () => {
    if (run.length > 0) result.push(...frame(runStream, Buffer.concat(run), view));
    run = [];
  };
  for (const line of parseLines(text)) {
    if (!view[line.stream] || !inTime(line.time, view)) continue;
    if (line.stream !== runStream) flush();
    runStream = line.stream;
    const prefix = prefixOf(line, view);
    if (prefix !== '') run.push(Buffer.from(prefix));
    run.push(line.payload);
  }
  flush();
  return result;
}

/** Where our writer's lines have what, counted from the end: stream and time are of fixed length. */
const tail = '","stream":"stdout","time":"2026-01-02T03:04:05.000000000Z"}';

export function parseLine(line: string): LogLine | undefined {
  const end = line.length - tail.length;
  if (end >= opening.length && line.startsWith('","stream":"std', end) && line.startsWith('","time":"', end + 18)) {
    const payload = unescapeText(line.slice(opening.length, end));
    const stream = line.startsWith('stdout', end + 12) ? 'stdout' : 'stderr';
    const time = line.slice(end + 28, end + 58);
    if (payload && line.startsWith(opening)) return { stream, time, payload, attributes: undefined };
  }
  return parseAnyLine(line);
}

function unescapeText(text: string): Buffer | undefined {
  const first = text.indexOf('\\');
  if (first < 0) return Buffer.from(text, 'latin1');
  if (first === text.length - 2 && text.endsWith('\\n')) return Buffer.from(`${text.slice(0, first)}\n`, 'latin1');
  if (wideEscape.test(text)) return undefined;
  try {
    return Buffer.from(JSON.parse(`"${text}"`) as string, 'latin1');
  } catch {
    return undefined;
  }
}

/** Any writer's line: dockerd's, or one with attributes. */
function parseAnyLine(line: string): LogLine | undefined {
  let parsed: { log?: unknown; stream?: unknown; time?: unknown; attrs?: Record<string, string> } | null;
  try {
    parsed = JSON.parse(Buffer.from(line, 'latin1').toString()) as typeof parsed;
  } catch {
    return undefined;
  }
  if (typeof parsed?.time !== 'string') return undefined;
  const stream = parsed.stream === 'stderr' ? 'stderr' : 'stdout';
  const payload = Buffer.from(typeof parsed.log === 'string' ? parsed.log : '');
  return { stream, time: nineDigits(parsed.time), payload, attributes: parsed.attrs };
}

function inTime(time: string, { since, until }: LogView): boolean {
  return (since === undefined || time >= since) && (until === undefined || time <= until);
}

function jsonLines(text: string, view: LogView): Buffer {
  const chosen = [...parseLines(text)].filter((line) => view[line.stream] && inTime(line.time, view));
  return Buffer.from(chosen.map((line) => `${JSON.stringify(jsonLine(line, view))}\n`).join(''));
}

function jsonLine({ payload, stream, time, attributes = {} }: LogLine, { details }: LogView): object {
  const attrs = Object.keys(attributes)
    .sort()
    .map((Key) => ({ Key, Value: attributes[Key] }));
  const Timestamp = time.replace(/\.?0+Z$/, 'Z');
  return { Line: payload.toString(), Source: stream, Timestamp, ...(details && attrs.length > 0 && { Attrs: attrs }) };
}

function prefixOf({ time, attributes }: LogLine, { timestamps, details }: LogView): string {
  return `${timestamps ? `${time} ` : ''}${details ? `${formatDetails(attributes ?? {})} ` : ''}`;
}

/** `a=1,b=2`, sorted, each part as in a query string. */
function formatDetails(attributes: Readonly<Record<string, string>>): string {
  const names = Object.keys(attributes).sort();
  return names.map((name) => `${queryEscape(name)}=${queryEscape(attributes[name]!)}`).join(',');
}

/** Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

function frame(stream: LogStream, payload: Buffer, { tty }: LogView): Buffer[] {
  if (tty) return [payload];
  const header = frameHeader(stream === 'stdout' ? 1 : 2, payload.length);
  // A line that is followed leaves in one piece, and wakes its reader once.
  return payload.length < smallFrame ? [Buffer.concat([header, payload])] : [header, payload];
}
