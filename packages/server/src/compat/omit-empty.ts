/** Leaves out the named fields where they are empty, as Go's `omitempty` does. */
export function omitEmpty<T extends object>(value: T, fields: readonly (keyof T)[]): Partial<T> {
  const result: Partial<T> = { ...value };
  for (const field of fields) {
    if (isEmpty(value[field])) delete result[field];
  }
  return result;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
