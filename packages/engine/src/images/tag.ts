import { invalidArgument } from '@wharf/base/error';
import { formatFamiliar, parseReference } from '@wharf/oci/reference';
import type { ImageDeps } from './image-deps.ts';

/** Gives an image one more name; moves the name from whatever has it. */
export function tagImage(
  { images, events }: Pick<ImageDeps, 'images' | 'events'>,
  name: string,
  repo: string,
  tag: string,
): void {
  const reference = newTag(repo, tag);
  const { id } = images.resolve(name);
  images.tag(name, reference);
  events.publish({ type: 'image', action: 'tag', id, attributes: { name: reference } });
}

/** The familiar form of `repo:tag`, `latest` where there is none. Throws invalid_argument. */
export function newTag(repo: string, tag: string): string {
  const parsed = parseReference(repo);
  if (parsed.digest !== undefined) throw invalidArgument('refusing to create a tag with a digest reference');
  const named = tag === '' ? (parsed.tag ?? 'latest') : tag;
  return formatFamiliar(parseReference(`${formatFamiliar({ domain: parsed.domain, path: parsed.path })}:${named}`));
}
