import {
  type ApiVersion,
  compareApiVersions,
  formatApiVersion,
  minimumApiVersion,
  newestApiVersion,
  parseApiVersion,
} from '@wharf/api/version';
import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import type { Authorizer } from './authorization/authorizer.ts';
import { Context } from './context.ts';
import { errorResponse } from './error-response.ts';
import type { Answer, Exchange, HeaderFields } from './http/exchange.ts';
import { HttpSyntaxError } from './http/status.ts';
import type { Router } from './router.ts';

export interface DispatcherOptions {
  readonly router: Router;
  readonly logger: Logger;
  /** Of the product: `Server: Docker/<version> (linux)`. */
  readonly serverVersion: string;
  readonly experimental: boolean;
  /** At least 1.24. */
  readonly minimumVersion?: string;
  readonly authorizer?: Authorizer;
}

const versionPrefix = /^\/v(\d{1,4}\.\d{1,4})(?=\/|$)/;

/** Finds the handler of a request, and gives every failure its one answer. */
export class Dispatcher {
  readonly #router: Router;
  readonly #logger: Logger;
  readonly #commonHeaders: HeaderFields;
  readonly #oldest: ApiVersion;
  readonly #newest: ApiVersion;
  readonly #authorizer: Authorizer | undefined;

  constructor(options: DispatcherOptions) {
    this.#router = options.router;
    this.#logger = options.logger;
    this.#authorizer = options.authorizer;
    this.#oldest = parseApiVersion(options.minimumVersion ?? minimumApiVersion)!;
    this.#newest = parseApiVersion(newestApiVersion)!;
    this.#commonHeaders = {
      'Api-Version': newestApiVersion,
      'Docker-Experimental': String(options.experimental),
      Ostype: 'linux',
      Server: `Docker/${options.serverVersion} (linux)`,
    };
  }

  readonly handle = async (exchange: Exchange): Promise<void> => {
    try {
      if (this.#authorizer?.active) await this.#authorizer.admit(exchange, (error) => this.#failure(exchange, error));
      await this.#dispatch(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  };

  async #dispatch(exchange: Exchange): Promise<void> {
    const { method, target } = exchange.request;
    const question = target.indexOf('?');
    const rawPath = question < 0 ? target : target.slice(0, question);
    if (rawPath.includes('//')) {
      const clean = rawPath.replace(/\/{2,}/g, '/');
      exchange.respond(301, { ...this.#commonHeaders, Location: clean + (question < 0 ? '' : target.slice(question)) });
      return;
    }
    const prefix = versionPrefix.exec(rawPath);
    const path = decodePath(prefix ? rawPath.slice(prefix[0].length) : rawPath);
    if (method === 'OPTIONS') {
      exchange.respond(200, this.#commonHeaders);
      return;
    }
    this.#logger.debug(`Calling ${method} ${rawPath}`);
    const match = this.#router.match(method, path);
    if (!match) throw notFound('page not found');
    const version = this.#versionOf(prefix?.[1]);
    const context = new Context(exchange, {
      parameters: match.parameters,
      version,
      commonHeaders: this.#commonHeaders,
      query: question < 0 ? '' : target.slice(question + 1),
    });
    await match.handler(context);
  }

  #versionOf(text: string | undefined): ApiVersion {
    if (text === undefined) return this.#newest;
    const version = parseApiVersion(text)!;
    if (compareApiVersions(version, this.#oldest) < 0) {
      throw invalidArgument(
        `client version ${text} is too old. Minimum supported API version is ${formatApiVersion(this.#oldest)}, ` +
          'please upgrade your client to a newer version',
      );
    }
    if (compareApiVersions(version, this.#newest) > 0) {
      throw invalidArgument(`client version ${text} is too new. Maximum supported API version is ${newestApiVersion}`);
    }
    return version;
  }

  #fail(exchange: Exchange, thrown: unknown): void {
    const { status, headers, body } = this.#failure(exchange, thrown);
    // A stream reports its own failure; what reaches us after its headers went out can only be logged.
    if (!exchange.answered) exchange.respond(status, headers, body);
  }

  #failure({ request: { method, target } }: Exchange, thrown: unknown): Answer {
    const { status, body } = errorResponse(thrown);
    const canceled = thrown instanceof EngineError && thrown.code === 'canceled';
    if (status === 500 && !canceled && !(thrown instanceof HttpSyntaxError)) {
      this.#logger.error(`Handler for ${method} ${target} returned error: ${body.message}`, causeOf(thrown));
    }
    const headers = { ...this.#commonHeaders, 'Content-Type': 'application/json' };
    return { status, headers, body: `${JSON.stringify(body)}\n` };
  }
}

function decodePath(path: string): string {
  if (!path.includes('%')) return path === '' ? '/' : path;
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalidArgument('invalid URL escape', { cause });
  }
}

function causeOf(thrown: unknown): Record<string, unknown> {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  return { cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) };
}
