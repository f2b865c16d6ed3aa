import { checkFilterNames, type Filters, filterValues, lacksLabels, matchesLabels } from '@wharf/api/filters';
import { familiarName, formatFamiliar, parseReference } from '@wharf/oci/reference';
import type { ImageRecord, ImageStore } from '@wharf/store/images/image-store';
import { parseUntil } from '../time-filter.ts';
import { unixSeconds } from './history.ts';

const listed = ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'];

/** The filters that listing and pruning share, as one predicate; `dangling` is the caller's. */
export function compileImageFilters(
  images: ImageStore,
  filters: Filters,
  accepted: readonly string[] = listed,
): (image: ImageRecord) => boolean {
  checkFilterNames(filters, accepted);
  const bound = (name: string) => filterValues(filters, name).map((value) => createdOf(images.resolve(value)));
  const before = bound('before');
  const since = bound('since');
  const until = parseUntil(filterValues(filters, 'until'));
  const patterns = filterValues(filters, 'reference').map(globPattern);
  return (image) => {
    const created = createdOf(image);
    const labels = image.config.config?.Labels;
    return (
      before.every((time) => created < time) &&
      since.every((time) => created > time) &&
      (until === undefined || BigInt(created) * 1_000_000_000n < until) &&
      matchesLabels(filters, 'label', labels) &&
      lacksLabels(filters, 'label!', labels) &&
      (patterns.length === 0 || matchingTags(image, patterns).length > 0)
    );
  };
}

/** With a `reference` filter only the names that match are shown. */
export function namesShown(image: ImageRecord, filters: Filters): { tags: string[]; digests: string[] } {
  const patterns = filterValues(filters, 'reference').map(globPattern);
  if (patterns.length === 0) return { tags: [...image.repoTags], digests: [...image.repoDigests] };
  const matches = (name: string) => patterns.some((pattern) => matchesReference(pattern, name));
  return { tags: image.repoTags.filter(matches), digests: image.repoDigests.filter(matches) };
}

function matchingTags(image: ImageRecord, patterns: readonly RegExp[]): string[] {
  const names = [...image.repoTags, ...image.repoDigests];
  return names.filter((name) => patterns.some((pattern) => matchesReference(pattern, name)));
}

/** reference.FamiliarMatch: the whole familiar name, or the repository alone. */
function matchesReference(pattern: RegExp, name: string): boolean {
  const reference = parseReference(name);
  return pattern.test(formatFamiliar(reference)) || pattern.test(familiarName(reference));
}

/** Go's path.Match: `*` and `?` stop at a slash. */
function globPattern(glob: string): RegExp {
  const source = glob.replace(/\\(.)|\[\^?[^\]]*\]|[*?]|[.+^${}()|\\/]/g, (token, escaped) => {
    if (escaped !== undefined) return `\\${escaped}`;
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    return token.startsWith('[') ? token : `\\${token}`;
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /(?!)/;
  }
}

function createdOf({ config }: ImageRecord): number {
  return unixSeconds(config.created);
}
