import { followLog } from '../follow-log.ts';
import type { LogChanges } from '../log-changes.ts';
import { openLogSources } from '../log-source.ts';
import type { LogPosition } from './log-cursor.ts';

/** A line of the log, and where the next one begins. */
export interface UndeliveredLine {
  readonly text: string;
  readonly after: LogPosition;
}

/** What a log has behind `begin`, in blocks, and what is written to it until the changes are over. */
export async function* undelivered(
  path: string,
  begin: LogPosition | undefined,
  changes: LogChanges,
): AsyncGenerator<UndeliveredLine[]> {
  await using open = new AsyncDisposableStack();
  const sources = await openLogSources(path);
  for (const source of sources) open.use(source);
  const names = await Promise.all(sources.map((source) => source.name()));
  // A file that is gone was the oldest.
  const first = Math.max(0, names.indexOf(begin?.name));
  let offset = begin !== undefined && names[first] === begin.name ? begin.offset : 0;
  for (const source of sources.slice(first)) {
    yield* blocksOf(source, offset);
    offset = 0;
  }
  for await (const { source, position } of followLog(path, sources.at(-1), changes)) yield* blocksOf(source, position);
}

async function* blocksOf(
  source: Awaited<ReturnType<typeof openLogSources>>[number],
  offset: number,
): AsyncGenerator<UndeliveredLine[]> {
  for await (const text of source.blocks(offset)) {
    const name = await source.name();
    if (name !== undefined) yield linesOf(text, name, source.position - text.length);
  }
}

function linesOf(text: string, name: string, begin: number): UndeliveredLine[] {
  const lines: UndeliveredLine[] = [];
  for (let at = 0, end = text.indexOf('\n'); end >= 0; at = end + 1, end = text.indexOf('\n', at)) {
    lines.push({ text: text.slice(at, end), after: { name, offset: begin + end + 1 } });
  }
  return lines;
}
