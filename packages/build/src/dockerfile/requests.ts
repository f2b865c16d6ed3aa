import type { Dockerfile } from './instructions/instruction.ts';
import type { Finding } from './lint/linter.ts';
import type { SourceFile, SourceRange } from './source-error.ts';
import { SourceError } from './source-error.ts';
import type { OutlineEntry, Outline as StageOutline, StageState } from './to-llb/stage-state.ts';

/** The answer to `docker build --call`: for programs and for people. */
export type RequestResult = ReadonlyMap<string, Uint8Array>;

const encoder = new TextEncoder();

function result(value: unknown, text: string, more: Record<string, string> = {}): RequestResult {
  const fields = { 'result.json': JSON.stringify(value, null, 2), 'result.txt': text, version: '1.0.0', ...more };
  return new Map(Object.entries(fields).map(([key, content]) => [key, encoder.encode(content)]));
}

const subrequests = [
  ['frontend.outline', 'List all parameters current build target supports'],
  ['frontend.targets', 'List all targets current build supports'],
  ['frontend.lint', 'Lint a Dockerfile'],
  ['frontend.subrequests.describe', 'List available subrequest types'],
] as const;

export function describeRequests(): RequestResult {
  const requests = subrequests.map(([name, description]) => ({
    name,
    version: '1.0.0',
    type: 'rpc',
    description,
    opts: name === 'frontend.outline' ? [{ name: 'target', description: 'Target build stage' }] : [],
    metadata: [{ name: 'result.json' }, { name: 'result.txt' }],
  }));
  const rows = requests.map(({ name, version, description }) => [
    name.replace(/^frontend\./, ''),
    version,
    description,
  ]);
  return result(requests, table([['NAME', 'VERSION', 'DESCRIPTION'], ...rows], 1));
}

export function listTargets({ stages }: Dockerfile, file: SourceFile): RequestResult {
  const targets = stages.map(({ name, comment, base, platform, ranges }, index) => ({
    ...(name ? { name } : {}),
    ...(index === stages.length - 1 ? { default: true } : {}),
    ...(comment ? { description: comment } : {}),
    base,
    ...(platform ? { platform } : {}),
    location: { ranges },
  }));
  const rows = targets.map((target) => {
    const name = target.name ?? '';
    const shown = target.default ? (name === '' ? '(default)' : `${name} (default)`) : name;
    return [shown, target.description ?? ''];
  });
  return result({ targets, sources: [base64(file)] }, table([['TARGET', 'DESCRIPTION'], ...rows], 1));
}

export function outlineTarget(target: StageState, file: SourceFile): RequestResult {
  const args = collect(target, ({ args: all, usedArgs }) => [...usedArgs].flatMap((name) => all.get(name) ?? []));
  const secrets = collect(target, ({ secrets: all }) => [...all.values()]);
  const ssh = collect(target, ({ ssh: all }) => [...all.values()]);
  const name = target.stage?.name ?? '';
  const description = target.stage?.comment ?? '';
  const value = {
    ...(name ? { name } : {}),
    ...(description ? { description } : {}),
    ...(args.length > 0 ? { args: args.map(argument) } : {}),
    ...(secrets.length > 0 ? { secrets: secrets.map(required) } : {}),
    ...(ssh.length > 0 ? { ssh: ssh.map(required) } : {}),
    sources: [base64(file)],
  };
  const parts: string[] = [];
  if (name || description) {
    const rows = [['TARGET:', name || '(default)'], ...(description ? [['DESCRIPTION:', description]] : [])];
    parts.push(table(rows, 1));
  }
  if (args.length > 0) {
    const rows = args.map((arg) => [arg.name, arg.value ?? '', arg.description ?? '']);
    parts.push(table([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3));
  }
  for (const [title, entries] of [
    ['SECRET', secrets],
    ['SSH', ssh],
  ] as const) {
    const rows = entries.map((entry) => [entry.name, entry.required ? 'true' : '']);
    if (rows.length > 0) parts.push(table([[title, 'REQUIRED'], ...rows], 3));
  }
  return result(value, parts.map((part) => `${part}\n`).join(''));
}

/** Of the target and of all that it needs, each name once, in the order of the file. */
function collect(target: StageState, entriesOf: (outline: StageOutline) => OutlineEntry[]): OutlineEntry[] {
  const found = new Map<string, OutlineEntry>();
  const visited = new Set<StageState>();
  const visit = (state: StageState): void => {
    if (visited.has(state)) return;
    visited.add(state);
    for (const entry of entriesOf(state.outline)) if (!found.has(entry.name)) found.set(entry.name, entry);
    if (state.base) visit(state.base);
    for (const dependency of state.dependencies) visit(dependency);
  };
  visit(target);
  return [...found.values()].sort((a, b) => lineOf(a.ranges) - lineOf(b.ranges));
}

function argument({ name, description, value, ranges }: OutlineEntry) {
  return { name, ...(description ? { description } : {}), ...(value ? { value } : {}), location: { ranges } };
}

function required({ name, required: isRequired, ranges }: OutlineEntry) {
  return { name, ...(isRequired ? { required: true } : {}), location: { ranges } };
}

/** `error` is what kept the Dockerfile from being read to its end. */
export function lintResult(findings: readonly Finding[], file: SourceFile, error: Error | undefined): RequestResult {
  const warnings = findings.map(({ rule, description, url, message, ranges }) => ({
    ruleName: rule,
    description,
    ...(url ? { url } : {}),
    detail: message,
    location: { ranges },
  }));
  const source = { filename: file.filename, language: file.language, data: base64(file) };
  const ranges = error instanceof SourceError ? error.ranges : [];
  const value = {
    warnings: warnings.length > 0 ? warnings : null,
    sources: [source],
    ...(error ? { buildError: { message: error.message, location: { ranges } } } : {}),
  };
  const blocks = findings.map((finding) => lintBlock(finding, file));
  const failed = error ? `\n${error.message}\n${excerpt(file, ranges)}` : '';
  return result(value, blocks.join('') + failed, { 'result.statuscode': error || findings.length > 0 ? '1' : '0' });
}

function lintBlock({ rule, description, url, message, ranges }: Finding, file: SourceFile): string {
  const head = `\nWARNING: ${rule}${url ? ` - ${url}` : ''}\n${message === description ? '' : `${message}\n`}`;
  return head + excerpt(file, ranges);
}

const frame = '--------------------';
const linesAround = 4;

/** The lines in question with those around them, marked. */
export function excerpt({ filename, data }: SourceFile, ranges: readonly SourceRange[]): string {
  const first = ranges[0];
  if (!first) return '';
  const lines = new TextDecoder().decode(data).split('\n');
  const start = first.start.line;
  const end = Math.max(start, ranges.at(-1)!.end.line);
  const pad = Math.max(0, linesAround - Math.floor((end - start + 1) / 2)) >> 1;
  const from = Math.max(1, start - Math.max(pad, 1));
  const to = Math.min(lines.length, end + Math.max(pad, 1));
  let text = `${filename}:${start}\n${frame}\n`;
  for (let line = from; line <= to; line++) {
    const marked = ranges.some((range) => line >= range.start.line && line <= range.end.line);
    text += ` ${String(line).padStart(3)} | ${marked ? '>>>' : '   '} ${lines[line - 1] ?? ''}\n`;
  }
  return `${text}${frame}\n`;
}

function lineOf(ranges: readonly SourceRange[]): number {
  return ranges[0]?.start.line ?? 0;
}

function base64({ data }: SourceFile): string {
  return Buffer.from(data).toString('base64');
}

function table(rows: readonly (readonly string[])[], gap: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]! + gap))).join('');
  return `${rows.map(line).join('\n')}\n`;
}
