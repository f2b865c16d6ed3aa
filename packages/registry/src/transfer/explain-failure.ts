import { EngineError, notFound } from '@wharf/base/error';
import { familiarName, formatFamiliar, type Reference } from '@wharf/oci/reference';
import { type Credentials, isAnonymous } from '../client/credentials.ts';
import { RegistryError } from '../client/registry-error.ts';
import type { Repository } from '../client/repository.ts';
import { nearestTags } from './nearest-tags.ts';

/** So many tags are looked through for one that may have been meant, for so long. */
const tagsLooked = 2000;
const patience = 3000;

export interface FailedPull {
  readonly reference: Reference;
  readonly repository: Repository;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

/** Docker's words for what a registry refused, and then what it does not say: whether it is a typo or a login. */
export async function explainPullFailure(error: unknown, pull: FailedPull): Promise<unknown> {
  if (!(error instanceof RegistryError)) return error;
  const { reference, credentials } = pull;
  if (isDenied(error)) {
    const name = familiarName(reference);
    return notFound(
      `pull access denied for ${name}, repository does not exist or may require 'docker login': ${error.message}; ${whoAsked(error, credentials)}`,
      { cause: error },
    );
  }
  if (error.status === 429) return explainLimit(error, credentials);
  if (error.status !== 404) return error;
  if (error.has('NAME_UNKNOWN')) {
    return notFound(`repository ${familiarName(reference)} not found: ${error.message}`, { cause: error });
  }
  const said = error.has('MANIFEST_UNKNOWN') ? error.message : `manifest unknown: ${error.message}`;
  const hint = await tagHint(pull);
  return notFound(`manifest for ${formatFamiliar(reference)} not found: ${said}${hint}`, { cause: error });
}

/** As it goes for pushing, where all of it is about permission. */
export function explainPushFailure(error: unknown, reference: Reference, credentials: Credentials): unknown {
  if (!(error instanceof RegistryError) || !isDenied(error)) return error;
  const shown =
    error.status === 401 || error.has('UNAUTHORIZED') || error.has('DENIED')
      ? error.message
      : `denied: ${error.message}`;
  return new EngineError(
    error.code,
    `push access denied for ${familiarName(reference)}: ${shown}; ${whoAsked(error, credentials)}`,
    { cause: error },
  );
}

/** Registries that count pulls seldom say until when, and give more of them to who logs in. */
function explainLimit(error: RegistryError, credentials: Credentials): EngineError {
  const { retryAfter, host } = error;
  const until = retryAfter === undefined ? '' : `; ${host} asks to come back in ${roughly(retryAfter)}`;
  const login = isAnonymous(credentials) ? `: 'docker login' may raise the limit` : '';
  return new EngineError(error.code, `${error.message}${until}; ${whoAsked(error, credentials)}${login}`, {
    cause: error,
  });
}

function roughly(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} seconds`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3600)} hours`;
}

function isDenied(error: RegistryError): boolean {
  return error.status === 401 || error.status === 403 || error.has('DENIED') || error.has('UNAUTHORIZED');
}

function whoAsked({ host }: RegistryError, credentials: Credentials): string {
  if (isAnonymous(credentials)) return `no credentials were sent to ${host}`;
  const { username } = credentials;
  return `${host} was asked ${username === '' ? 'with a token' : `as user ${JSON.stringify(username)}`}`;
}

async function tagHint({ reference, repository, signal }: FailedPull): Promise<string> {
  if (reference.tag === undefined) return '';
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const tags: string[] = [];
  try {
    for await (const tag of repository.tags(limit, tagsLooked)) tags.push(tag);
  } catch {
    // Some registries list no tags; what could be learned is told.
  }
  if (tags.length === 0) return '';
  const near = nearestTags(reference.tag, tags);
  if (near.length > 0) return `; the nearest tags are ${near.join(', ')}`;
  return `; the repository has ${tags.length === 1 ? 'the tag' : 'tags such as'} ${tags.slice(-3).join(', ')}`;
}
