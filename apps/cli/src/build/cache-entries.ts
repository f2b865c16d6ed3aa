import type { TypedAttributes } from '@wharf/build/client/solve';
import { ExitError } from '../exit-error.ts';
import { parseFields } from './fields.ts';

/** Where a build takes its cache from and puts it: `type=registry,ref=...`, or a reference alone. */
export function cacheEntries(from: readonly string[], to: readonly string[]) {
  return { from: from.map((text) => parseEntry(text)), to: to.map((text) => parseEntry(text)) };
}

function parseEntry(text: string): TypedAttributes {
  if (!text.includes('=')) return { type: 'registry', attributes: { ref: text } };
  const fields = parseFields(text);
  const type = fields.get('type');
  if (type === undefined) throw new ExitError(1, `ERROR: type required form> ${JSON.stringify(text)}`);
  if (type === 'local') {
    throw new ExitError(1, 'ERROR: a cache of type=local is not supported: type=registry and type=inline are');
  }
  fields.delete('type');
  return { type, attributes: Object.fromEntries(fields) };
}
