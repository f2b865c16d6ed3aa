import { algorithmOf, type ContentDigest, hexOf, parseContentDigest } from '../content-digest.ts';
import type { RepositoryName, Tag } from '../names.ts';

/**
 * Where things are in the store; documented in docs/registry.md. A repository is one directory whatever its depth:
 * `+` occurs in no name and stands for the slash, so that a repository may have others below it.
 */
export const blobsPrefix = 'blobs/';
export const linksPrefix = 'links/';
export const repositoriesPrefix = 'repositories/';
export const uploadsPrefix = 'uploads/';

export function blobKey(digest: ContentDigest): string {
  return `${blobsPrefix}${spread(digest)}`;
}

/** All repositories that may read a blob. */
export function linksOf(digest: ContentDigest): string {
  return `${linksPrefix}${spread(digest)}/`;
}

export function linkKey(digest: ContentDigest, repository: RepositoryName): string {
  return `${linksOf(digest)}${encodeRepository(repository)}`;
}

export function manifestsPrefix(repository: RepositoryName): string {
  return `${repositoryPrefix(repository)}manifests/`;
}

export function manifestKey(repository: RepositoryName, digest: ContentDigest): string {
  return `${manifestsPrefix(repository)}${algorithmOf(digest)}/${hexOf(digest)}`;
}

export function tagsPrefix(repository: RepositoryName): string {
  return `${repositoryPrefix(repository)}tags/`;
}

export function tagKey(repository: RepositoryName, tag: Tag): string {
  return `${tagsPrefix(repository)}${tag}`;
}

export function referrersPrefix(repository: RepositoryName, subject: ContentDigest): string {
  return `${repositoryPrefix(repository)}referrers/${algorithmOf(subject)}-${hexOf(subject)}/`;
}

export function referrerKey(repository: RepositoryName, subject: ContentDigest, referrer: ContentDigest): string {
  return `${referrersPrefix(repository, subject)}${algorithmOf(referrer)}-${hexOf(referrer)}`;
}

export function repositoryPrefix(repository: RepositoryName): string {
  return `${repositoriesPrefix}${encodeRepository(repository)}/`;
}

/** What a collector holds while it removes things that somebody might come to refer to. */
export function repositoryMarkerKey(repository: RepositoryName): string {
  return `collecting/repositories/${encodeRepository(repository)}`;
}

export function blobMarkerKey(digest: ContentDigest): string {
  return `collecting/blobs/${spread(digest)}`;
}

export function encodeRepository(repository: RepositoryName): string {
  return repository.replaceAll('/', '+');
}

export function decodeRepository(name: string): RepositoryName {
  return name.replaceAll('+', '/');
}

/** The digest in `blobs/sha256/ab/abcd...` or `links/sha256/ab/abcd.../repository`; undefined for a stranger's file. */
export function digestInKey(key: string): ContentDigest | undefined {
  const [, algorithm, , hex] = key.split('/');
  return tryDigest(`${algorithm}:${hex}`);
}

/** The digest in `repositories/r/manifests/sha256/abcd...`. */
export function digestInManifestKey(key: string): ContentDigest | undefined {
  const [, , , algorithm, hex] = key.split('/');
  return tryDigest(`${algorithm}:${hex}`);
}

function tryDigest(text: string): ContentDigest | undefined {
  try {
    return parseContentDigest(text);
  } catch {
    return undefined;
  }
}

/** A directory of a million entries is slow to list everywhere. */
function spread(digest: ContentDigest): string {
  const hex = hexOf(digest);
  return `${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}`;
}
