import { EngineError } from '@wharf/base/error';
import { formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';

/** The familiar name of an image without its digest; text that is no reference stays as it is. */
export function shortImage(image: string): string {
  const reference = tryParse(image);
  if (!reference) return image;
  const { domain, path, tag } = reference;
  return formatFamiliar({ domain, path, ...(tag === undefined ? {} : { tag }) });
}

export function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
