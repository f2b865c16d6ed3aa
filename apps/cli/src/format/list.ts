import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { goJson, headerFunctions } from '@wharf/base/template/functions';
import { createRow, type Row } from '@wharf/base/template/row';
import { ExitError } from '../exit-error.ts';
import { alignTabs } from './tab-writer.ts';

/** A list's columns: header texts by field, and the template of the table nobody chose. */
export interface ListStyle {
  readonly headers: Readonly<Record<string, string>>;
  readonly table: string;
  readonly quiet: string;
  /** What comes before the error of a wrong template. */
  readonly errors?: { readonly parse: string; readonly execute: string };
  /** Field and template of each line of `--format raw`; the first is the one of `--quiet`. */
  readonly raw?: readonly (readonly [name: string, field: string])[];
}

const templateError = 'template parsing error';

/**
 * Writes rows as `--format` says: '' and `table` in columns, `table TEMPLATE` in columns of one's own, `json` one
 * object a line, else the template a line.
 */
export function formatList(rows: readonly Row[], format: string, quiet: boolean, style: ListStyle): string {
  const chosen = format === '' ? 'table' : format;
  if (quiet && chosen !== 'json' && chosen !== 'raw')
    return formatRows(rows, chosen === 'table' ? style.quiet : chosen, style);
  if (chosen === 'raw' && style.raw) return rows.map((row) => formatRaw(row, style.raw ?? [], quiet)).join('');
  if (chosen === 'table') return formatRows(rows, `table ${style.table}`, style);
  return formatRows(rows, chosen, style);
}

function formatRows(rows: readonly Row[], format: string, style: ListStyle): string {
  if (format === 'json') return rows.map((row) => `${goJson(row)}\n`).join('');
  const isTable = format.startsWith('table');
  // Shells hand over `\t` and `\n` as two characters each.
  const source = (isTable ? format.slice('table'.length) : format).trim().replace(/\\t/g, '\t').replace(/\\n/g, '\n');
  const template = guarded(style.errors?.parse ?? templateError, () => compileTemplate(source));
  const lines = guarded(style.errors?.execute ?? templateError, () =>
    rows.map((row) => `${executeTemplate(template, row)}\n`),
  );
  if (!isTable) return lines.join('');
  const header = executeTemplate(template, headerRow(style.headers), { functions: headerFunctions, lenient: true });
  return alignTabs(`${header}\n${lines.join('')}`);
}

function formatRaw(row: Row, lines: NonNullable<ListStyle['raw']>, quiet: boolean): string {
  const text = lines.map(([name, field]) => `${name}: ${String(row.fields[field]?.() ?? '')}`.trimEnd());
  return quiet ? `${text.find((line) => /^[a-z_]*id:/.test(line)) ?? text[0]}\n` : `${text.join('\n')}\n\n`;
}

function headerRow(headers: Readonly<Record<string, string>>): Row {
  const fields: Record<string, (...args: readonly unknown[]) => unknown> = {
    Label: (name) => String(name).split('.').at(-1)?.replace(/[-_]/g, ' '),
  };
  for (const [field, header] of Object.entries(headers)) fields[field] = () => header;
  return createRow('formatter.SubHeaderContext', fields);
}

/** Runs a template step; its error ends the client with the step's name before it. */
export function guarded<T>(step: string, body: () => T, status = 1): T {
  try {
    return body();
  } catch (error) {
    throw new ExitError(status, `${step}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
