import { splitCsv } from '../flags/key-values.ts';
import { cut } from '../flags/parse.ts';
import { UsageError } from '../flags/usage-error.ts';

/** `type=local,dest=out` as a map; names are of any case. Throws for a field without a value. */
export function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of splitCsv(text)) {
    const [name, value] = cut(field, '=');
    if (value === undefined) throw new UsageError(`invalid value ${field}`);
    fields.set(name.trim().toLowerCase(), value);
  }
  return fields;
}
