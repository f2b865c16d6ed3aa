/** What a template sees of one listed object: fields that are computed when asked for, and methods with arguments. */
export interface Row {
  readonly [rowType]: string;
  readonly fields: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
}

/** On an object whose keys are data: a key it lacks is no mistake, and `index` finds this value for it. */
export const openMap = Symbol('open map');

export const rowType = Symbol('row type');

/** `typeName` is Go's name of the type, for error messages that scripts may know. */
export function createRow(typeName: string, fields: Row['fields']): Row {
  return { [rowType]: typeName, fields };
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && rowType in value;
}

/** Every field without arguments, by name, as `--format json` prints them. */
export function rowToJson({ fields }: Row): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(fields).sort()) {
    const field = fields[name];
    if (field && field.length === 0) result[name] = field() ?? null;
  }
  return result;
}
