import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import type { Cli } from '../cli.ts';
import { describeError, hintFor } from '../describe-error.ts';
import { ExitError } from '../exit-error.ts';
import { indentJson } from '../format/json-indent.ts';
import { guarded } from '../format/list.ts';
import { optionalFields, typedValue } from '../format/typed-zero.ts';

/**
 * Prints what `fetch` finds for each name: an indented list, one JSON value, or what the template makes of each.
 * Prints what was found before it says what was not.
 */
export async function inspectAll(
  cli: Cli,
  names: readonly string[],
  format: string,
  fetch: (name: string) => Promise<string>,
): Promise<void> {
  const found: string[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push((await fetch(name)).trim());
    } catch (error) {
      if (error instanceof ExitError && error.status !== 1) throw error;
      const hint = hintFor(error);
      failures.push(hint === undefined ? describeError(error) : `${describeError(error)}\n${hint}`);
    }
  }
  try {
    cli.out.print(formatInspected(found, format));
  } catch (error) {
    // Docker ends the line that the template began.
    if (error instanceof ExitError && error.status === 1) cli.out.print('\n');
    throw error;
  }
  if (failures.length > 0) throw new ExitError(1, failures.join('\n'));
}

/** `objects` are JSON texts as the daemon wrote them. */
export function formatInspected(objects: readonly string[], format: string): string {
  if (format === '') return objects.length === 0 ? '[]\n' : `${indentJson(`[${objects.join(',')}]`)}\n`;
  if (format === 'json') return `[${objects.join(',')}]\n`;
  const source = format.replace(/\\t/g, '\t').replace(/\\n/g, '\n');
  const template = guarded('template parsing error', () => compileTemplate(source), 64);
  if (objects.length === 0) return '\n';
  return guarded('template parsing error', () =>
    objects
      .map((object) => `${executeTemplate(template, typedValue(JSON.parse(object)), { optional: optionalFields })}\n`)
      .join(''),
  );
}
