/** A value as Go's `%v` prints it: `[a b]`, `map[a:b c:d]`. dockerd shows settings so. */
export function formatGoValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatGoValue).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return String(value ?? '<nil>');
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${formatGoValue(item)}`).join(' ')}]`;
}
