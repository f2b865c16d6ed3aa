import { invalidArgument } from '@wharf/base/error';
import { type Digest, parseDigest } from './digest.ts';

/** A parsed image name: always with domain and path, as distribution's normalized named reference. */
export interface Reference {
  /** `docker.io`, `localhost:5000`, ... */
  readonly domain: string;
  /** `library/busybox`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const defaultDomain = 'docker.io';
const legacyDefaultDomain = 'index.docker.io';
const officialRepository = 'library/';

// distribution/reference/regexp.go
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainPattern = new RegExp(`^(?:${domainLabel}(?:\\.${domainLabel})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`);
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^[\w][\w.-]{0,127}$/;
const maxNameLength = 255;

/**
 * Parses what people type: `busybox`, `host:5000/a/b:tag`, `name@sha256:...`. Adds no tag.
 * Throws invalid_argument with distribution's texts (`invalid reference format`, ...).
 */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalidArgument(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const { domain, remainder } = splitDomain(named);
  const colon = remainder.lastIndexOf(':');
  const path = colon < 0 ? remainder : remainder.slice(0, colon);
  const tag = colon < 0 ? undefined : remainder.slice(colon + 1);
  if (path.toLowerCase() !== path) {
    throw invalidArgument(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  if (!domainPattern.test(domain) || !pathPattern.test(path) || (tag !== undefined && !tagPattern.test(tag))) {
    throw invalidArgument('invalid reference format');
  }
  if (path.length > maxNameLength) {
    throw invalidArgument(`repository name must not be more than ${maxNameLength} characters`);
  }
  if (at < 0) return { domain, path, ...(tag === undefined ? {} : { tag }) };
  const digestText = text.slice(at + 1);
  if (!/^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/.test(digestText)) {
    throw invalidArgument('invalid reference format');
  }
  return { domain, path, ...(tag === undefined ? {} : { tag }), digest: parseDigest(digestText) };
}

function splitDomain(name: string): { domain: string; remainder: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  let domain = isDomain ? first : defaultDomain;
  let remainder = isDomain ? name.slice(slash + 1) : name;
  if (domain === legacyDefaultDomain) domain = defaultDomain;
  if (domain === defaultDomain && !remainder.includes('/')) remainder = officialRepository + remainder;
  return { domain, remainder };
}

/** Adds `:latest` where there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** The short form people see: `busybox:latest`, `user/app@sha256:...`. */
export function formatFamiliar(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** The whole form: `docker.io/library/busybox:latest`. */
export function formatCanonical(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`;
}

/** The familiar repository without tag or digest. */
export function familiarName({ domain, path }: Pick<Reference, 'domain' | 'path'>): string {
  if (domain !== defaultDomain) return `${domain}/${path}`;
  const rest = path.slice(officialRepository.length);
  // `library/a/b` is no official image: only a single component loses its prefix.
  return path.startsWith(officialRepository) && !rest.includes('/') ? rest : path;
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}
