import type { AccessControl, Action, Identity } from './access/access-control.ts';
import { RegistryError } from './error.ts';
import type { RepositoryName } from './names.ts';

/** What a handler sees of a request. */
export class RegistryContext {
  readonly request: Request;
  readonly identity: Identity;
  readonly #access: AccessControl;
  #query: URLSearchParams | undefined;

  constructor(request: Request, identity: Identity, access: AccessControl) {
    this.request = request;
    this.identity = identity;
    this.#access = access;
  }

  get method(): string {
    return this.request.method;
  }

  get isHead(): boolean {
    return this.request.method === 'HEAD';
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  header(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined;
  }

  get query(): URLSearchParams {
    const { url } = this.request;
    const question = url.indexOf('?');
    this.#query ??= new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
    return this.#query;
  }

  /** Throws DENIED, or UNAUTHORIZED with a challenge for those whom credentials could help. */
  require(repository: RepositoryName, ...actions: readonly Action[]): void {
    const refused = actions.filter((action) => !this.identity.may(repository, action));
    if (refused.length === 0) return;
    if (!refused.every((action) => this.identity.mightWith(repository, action))) {
      const who = this.identity.name ?? 'anonymous';
      throw new RegistryError(
        'DENIED',
        `requested access to the resource is denied: ${who} may not ${refused.join(',')}`,
        {
          detail: { repository, actions: refused },
        },
      );
    }
    throw this.unauthorized(`repository:${repository}:${actions.join(',')}`);
  }

  unauthorized(scope?: string): RegistryError {
    return new RegistryError('UNAUTHORIZED', 'authentication required', {
      detail: scope,
      headers: { 'WWW-Authenticate': this.#access.challenge(this.request, scope) },
    });
  }
}
