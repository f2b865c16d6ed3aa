import type { Logger } from '@wharf/base/logger';
import type { AccessControl, Identity } from './access/access-control.ts';
import { formatErrors, RegistryError } from './error.ts';
import { deleteBlob, getBlob } from './handlers/blobs.ts';
import { listCatalog, listReferrers, listTags } from './handlers/listings.ts';
import { getManifest, receiveManifest, removeManifestOrTag } from './handlers/manifests.ts';
import { respond, respondJson } from './handlers/respond.ts';
import { cancelUpload, getUpload, patchUpload, putUpload, startUpload } from './handlers/uploads.ts';
import { parseRepositoryName } from './names.ts';
import { RegistryContext } from './registry-context.ts';
import type { RegistryDeps } from './registry-deps.ts';
import { parseRequestPath, type Target } from './request-path.ts';

export interface RegistryServerOptions {
  readonly registry: RegistryDeps;
  readonly access: AccessControl;
  readonly logger: Logger;
  /** Told of each answer. */
  readonly observe?: (entry: AccessEntry) => void;
}

/** One line of the access log. */
export interface AccessEntry {
  readonly method: string;
  readonly path: string;
  readonly kind: Target['kind'] | 'other';
  readonly repository: string | undefined;
  readonly status: number;
  readonly milliseconds: number;
  readonly peer: string;
  readonly user: string | undefined;
  readonly userAgent: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

type Handler = (context: RegistryContext) => Promise<Response>;

/** Answers the distribution API; web-standard requests and responses, so that any server may carry it. */
export class RegistryServer {
  readonly #options: RegistryServerOptions;

  constructor(options: RegistryServerOptions) {
    this.#options = options;
  }

  /** `peer` is the client's address. */
  readonly handle = async (request: Request, peer: string): Promise<Response> => {
    const began = performance.now();
    const path = pathOf(request.url);
    const target = this.#target(path, request.url);
    let identity: Identity | undefined;
    let response: Response;
    try {
      if (path === '/token') {
        response = (await this.#options.access.issueToken(request, peer)) ?? notFound();
      } else if (!target) {
        response = notFound();
      } else {
        identity = await this.#options.access.identify(request, peer);
        response = await this.#answer(request, target, identity);
      }
    } catch (error) {
      response = this.#failure(request, path, error);
    }
    this.#options.observe?.({
      method: request.method,
      path,
      kind: target?.kind ?? 'other',
      repository: target && 'repository' in target ? target.repository : undefined,
      status: response.status,
      milliseconds: performance.now() - began,
      peer,
      user: identity?.name,
      userAgent: request.headers.get('user-agent') ?? undefined,
      bytesIn: Number(request.headers.get('content-length') ?? 0),
      bytesOut: request.method === 'HEAD' ? 0 : Number(response.headers.get('content-length') ?? 0),
    });
    return response;
  };

  /** A repository of another registry has a name of its own here. */
  #target(path: string, url: string): Target | undefined {
    const target = parseRequestPath(path);
    const { pullThrough } = this.#options.registry;
    if (!pullThrough || !target || !('repository' in target) || !/[?&]ns=/.test(url)) return target;
    const namespace = new URL(url).searchParams.get('ns') ?? undefined;
    return { ...target, repository: pullThrough.upstreams.localName(target.repository, namespace) };
  }

  async #answer(request: Request, target: Target, identity: Identity): Promise<Response> {
    const { access } = this.#options;
    const context = new RegistryContext(request, identity, access);
    const methods = this.#methods(target);
    const handler = methods[request.method];
    if (handler) return await handler(context);
    const allowed = Object.keys(methods).join(', ');
    if (request.method === 'OPTIONS') return respond(204, { Allow: allowed });
    throw new RegistryError('UNSUPPORTED', `the method ${request.method} is not allowed here`, {
      headers: { Allow: allowed },
    });
  }

  #methods(target: Target): Readonly<Record<string, Handler>> {
    const { registry } = this.#options;
    if ('repository' in target) parseRepositoryName(target.repository);
    switch (target.kind) {
      case 'base':
        return both((context) => this.#greet(context));
      case 'catalog':
        return both((context) => listCatalog(registry, context));
      case 'tags':
        return both((context) => listTags(registry, context, target.repository));
      case 'referrers':
        return both((context) => listReferrers(registry, context, target));
      case 'manifest':
        return {
          ...both((context) => getManifest(registry, context, target)),
          PUT: (context) => receiveManifest(registry, context, target),
          DELETE: (context) => removeManifestOrTag(registry, context, target),
        };
      case 'blob':
        return {
          ...both((context) => getBlob(registry, context, target)),
          DELETE: (context) => deleteBlob(registry, context, target),
        };
      case 'uploads':
        return { POST: (context) => startUpload(registry, context, target.repository) };
      case 'upload':
        return {
          ...both((context) => getUpload(registry, context, target)),
          PATCH: (context) => patchUpload(registry, context, target),
          PUT: (context) => putUpload(registry, context, target),
          DELETE: (context) => cancelUpload(registry, context, target),
        };
    }
  }

  /** Docker's client asks here whether it has to log in, so that somebody unknown is told even where all may read. */
  async #greet(context: RegistryContext): Promise<Response> {
    if (this.#options.access.greetsWithChallenge && context.identity.name === undefined) throw context.unauthorized();
    return respondJson(200, {});
  }

  #failure(request: Request, path: string, error: unknown): Response {
    if (error instanceof RegistryError) {
      const body = formatErrors(error.code, error.message, error.details);
      return respond(error.status, { 'Content-Type': 'application/json', ...error.headers }, body);
    }
    // A client that went away is nobody's failure, and nobody reads the answer.
    if (!request.signal.aborted) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#options.logger.error(`Cannot answer ${request.method} ${path}`, { error: text });
    }
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const message = full ? 'the registry has no space left' : 'internal error: see the log of the registry';
    return respond(full ? 507 : 500, { 'Content-Type': 'application/json' }, formatErrors('UNKNOWN', message));
  }
}

function both(handler: Handler): Readonly<Record<string, Handler>> {
  return { GET: handler, HEAD: handler };
}

function notFound(): Response {
  return respond(404, { 'Content-Type': 'application/json' }, formatErrors('UNSUPPORTED', 'there is nothing here'));
}

/** Decoded where that is possible: nothing that a name may contain needs an escape, but `:` is often given one. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const question = url.indexOf('?', start);
  const path = question < 0 ? url.slice(start) : url.slice(start, question);
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
