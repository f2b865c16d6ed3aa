import { booleanFilter, checkFilterNames, type Filters, filterValues } from '@wharf/api/filters';
import type { SearchItem } from '@wharf/api/registry';
import { invalidArgument } from '@wharf/base/error';
import { decodeCredentials } from '@wharf/registry/client/credentials';
import type { Transfers } from '@wharf/registry/transfer/transfers';

export interface SearchOptions {
  /** Undefined is Docker's 25. */
  readonly limit: number | undefined;
  readonly filters: Filters;
  /** The header X-Registry-Auth. */
  readonly auth: string | undefined;
  readonly signal: AbortSignal;
}

export async function searchImages(
  { transfers }: { readonly transfers: Pick<Transfers, 'client'> },
  term: string,
  { limit = 25, filters, auth, signal }: SearchOptions,
): Promise<readonly SearchItem[]> {
  checkFilterNames(filters, ['is-automated', 'is-official', 'stars']);
  if (limit < 1 || limit > 100) throw invalidArgument(`limit ${limit} is outside the range of [1, 100]`);
  const official = filters.has('is-official') ? booleanFilter(filters, 'is-official', false) : undefined;
  const automated = filters.has('is-automated') ? booleanFilter(filters, 'is-automated', false) : undefined;
  const stars = Math.max(0, ...filterValues(filters, 'stars').map(parseStars));
  const found = await transfers.client.search(term, { limit, credentials: decodeCredentials(auth), signal });
  return found.filter(
    (item) =>
      (official === undefined || item.is_official === official) &&
      (automated === undefined || item.is_automated === automated) &&
      item.star_count >= stars,
  );
}

function parseStars(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalidArgument(`invalid filter 'stars=${text}'`);
  return Number(text);
}
