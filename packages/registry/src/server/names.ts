import { RegistryError } from './error.ts';

/** A repository's name, a tag, an upload's id: parsed once, safe to be part of a key in the store. */
export type RepositoryName = string;
export type Tag = string;

// distribution-spec, "Pulling manifests": every component begins and ends with a letter or digit, so that neither
// `..` nor an empty one is a name.
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const namePattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** Docker's clients refuse longer ones together with the host; a file's name has this limit too. */
const longestName = 255;

export function isRepositoryName(text: string): boolean {
  return text.length <= longestName && namePattern.test(text);
}

export function parseRepositoryName(text: string): RepositoryName {
  if (!isRepositoryName(text)) throw new RegistryError('NAME_INVALID', 'invalid repository name', { detail: text });
  return text;
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}
