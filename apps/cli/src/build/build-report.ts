import { writeFileSync } from 'node:fs';
import type { BuildTrace, Step } from '../progress/build-trace.ts';
import type { Output } from '../terminal/output.ts';
import { paint } from '../terminal/paint.ts';

const tailOfFailure = 20;

/** The steps that failed, each with the end of what it said. */
export function reportFailure(trace: BuildTrace, output: Output): void {
  for (const step of trace.steps) {
    if (step.error === '' || step.isCanceled) continue;
    output.print(`------\n > ${step.name}:\n${tailOf(step)}------\n`);
  }
}

function tailOf({ tail, started = 0, completed = started }: Step): string {
  const lines = tail.filter((line, index) => line !== '' || index < tail.length - 1).slice(-tailOfFailure);
  return lines.map((line) => `${(completed - started).toFixed(3).slice(0, 5)} ${line}\n`).join('');
}

/** What the frontend found to be better written otherwise. */
export function reportWarnings(trace: BuildTrace, output: Output, { colours }: { colours: boolean }): void {
  const warnings = [...trace.steps].flatMap((step) => step.warnings);
  if (warnings.length === 0) return;
  const head = `${warnings.length} warning${warnings.length === 1 ? '' : 's'} found`;
  output.print(`\n ${colours ? paint(head, 'yellow') : head} (--check shows where):\n`);
  for (const { short, ranges } of warnings) {
    const line = ranges[0]?.start?.line;
    output.print(
      ` - ${Buffer.from(short).toString()}${line === undefined || /\(line \d+\)$/.test(Buffer.from(short).toString()) ? '' : ` (line ${line})`}\n`,
    );
  }
}

/** What the exporters told, as buildx writes it: values that are packed JSON are unpacked. */
export function metadataOf(response: Readonly<Record<string, string>>, ref: string): Record<string, unknown> {
  const entries = Object.entries(response).map(([name, value]): [string, unknown] => [name, unpacked(value)]);
  const all = [...entries, ['buildx.build.ref', `default/default/${ref}`]] as [string, unknown][];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function unpacked(value: string): unknown {
  if (!/^[A-Za-z0-9+/]+=*$/.test(value)) return value;
  const text = Buffer.from(value, 'base64').toString();
  if (!/^\s*[{[]/.test(text)) return value;
  try {
    return JSON.parse(text);
  } catch {
    return value;
  }
}

/** The id of the image that was made; undefined where none was. */
export function imageIdOf(response: Readonly<Record<string, string>>): string | undefined {
  return response['containerimage.config.digest'] || response['containerimage.digest'] || undefined;
}

export function writeMetadata(file: string, metadata: unknown): void {
  writeFileSync(file, `${JSON.stringify(metadata, null, 2)}\n`);
}
