import { resolve } from 'node:path';
import type { TypedAttributes } from '@wharf/build/client/solve';
import { ExitError } from '../exit-error.ts';
import { parseFields } from './fields.ts';
import { type LocalCache, readLocalCache } from './local-cache.ts';

/** What a build is asked to take its cache from and to fill. */
interface CacheEntries {
  readonly from: readonly TypedAttributes[];
  readonly to: readonly TypedAttributes[];
  /** Directories that the daemon reads and writes, by the names that it asks for them by. */
  readonly stores: ReadonlyMap<string, string>;
  /** Those of `to` that are directories. */
  readonly written: readonly LocalCache[];
}

/** Where a build takes its cache from and puts it: `type=registry,ref=...`, `type=local,...`, or a reference alone. */
export function cacheEntries(from: readonly string[], to: readonly string[]): CacheEntries {
  const stores = new Map<string, string>();
  const written: LocalCache[] = [];
  const imports = from.map(parseEntry).flatMap(({ type, attributes }): TypedAttributes[] => {
    const src = type === 'local' ? attributes.src : undefined;
    if (src === undefined) return [{ type, attributes }];
    const directory = resolve(src);
    const digest = attributes.digest ?? readLocalCache({ directory, tag: attributes.tag ?? 'latest' });
    // One that is not filled yet is as good as none.
    if (digest === undefined) return [];
    stores.set(`local:${directory}`, directory);
    return [{ type, attributes: { ...attributes, src: directory, digest } }];
  });
  const exports = to.map(parseEntry).map(({ type, attributes }): TypedAttributes => {
    const dest = type === 'local' ? attributes.dest : undefined;
    if (dest === undefined) return { type, attributes };
    const directory = resolve(dest);
    stores.set(`local:${directory}`, directory);
    written.push({ directory, tag: attributes.tag ?? 'latest' });
    return { type, attributes: { ...attributes, dest: directory } };
  });
  return { from: imports, to: exports, stores, written };
}

function parseEntry(text: string): TypedAttributes {
  if (!text.includes('=')) return { type: 'registry', attributes: { ref: text } };
  const fields = parseFields(text);
  const type = fields.get('type');
  if (type === undefined) throw new ExitError(1, `ERROR: type required form> ${JSON.stringify(text)}`);
  fields.delete('type');
  return { type, attributes: Object.fromEntries(fields) };
}
