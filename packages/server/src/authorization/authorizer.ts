import { boolean, decode, struct, text } from '@wharf/base/decode';
import { EngineError } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import type { Plugin, PluginRegistry } from '@wharf/plugins/plugin-registry';
import type { Answer, Exchange } from '../http/exchange.ts';
import { type AuthorizationRequest, describeAnswer, describeRequest } from './authorization-request.ts';

const decodeVerdict = struct<{ Allow: boolean; Msg: string; Err: string }>('Response', {
  Allow: boolean,
  Msg: text,
  Err: text,
});

/** A plugin that does not answer denies: clients should not wait for ever to hear so. */
const callLimits = { timeout: 30_000, patience: 5_000 };

/**
 * Docker's authorization plugins: each is asked about every request before it is looked at, and about every whole
 * answer before it leaves. All must allow it. Of streams and taken-over connections only the request is theirs to judge.
 */
export class Authorizer {
  readonly #registry: PluginRegistry;
  readonly #logger: Logger;
  #plugins: readonly Plugin[] = [];

  constructor(registry: PluginRegistry, logger: Logger) {
    this.#registry = registry;
    this.#logger = logger;
  }

  get active(): boolean {
    return this.#plugins.length > 0;
  }

  /** Finds these plugins, without asking them anything yet. Rejects when one is not there or is of another kind. */
  async find(names: readonly string[]): Promise<readonly Plugin[]> {
    return await Promise.all(
      [...new Set(names)].map((name) =>
        this.#registry.get(name, 'authz', callLimits).catch((cause: unknown) => {
          const { message } = EngineError.from(cause);
          throw new EngineError('invalid_argument', `Error validating authorization plugin: ${message}`, { cause });
        }),
      ),
    );
  }

  /** Asks these from the next request on. */
  use(plugins: readonly Plugin[]): void {
    this.#plugins = plugins;
  }

  /** Rejects with what the client is to be told. `failure` is how such an error is answered. */
  async admit(exchange: Exchange, failure: (error: unknown) => Answer): Promise<void> {
    const plugins = this.#plugins;
    const request = await describeRequest(exchange);
    await this.#ask(plugins, 'AuthZPlugin.AuthZReq', request);
    exchange.reviewAnswer(async (answer) => {
      try {
        await this.#ask(plugins, 'AuthZPlugin.AuthZRes', { ...request, ...describeAnswer(request, answer) });
        return answer;
      } catch (error) {
        return failure(error);
      }
    });
  }

  /** In the order of the configuration, until one denies. */
  async #ask(plugins: readonly Plugin[], method: string, request: AuthorizationRequest): Promise<void> {
    for (const { name, call } of plugins) {
      const { Allow, Msg, Err } = decode(decodeVerdict, await answerOf(name, call(method, request, callLimits)));
      if (Err !== '') throw failed(name, Err);
      if (Allow) continue;
      this.#logger.info(`${method} for ${request.RequestMethod} ${request.RequestUri} was denied`, {
        plugin: name,
        message: Msg,
      });
      throw new EngineError('permission_denied', `authorization denied by plugin ${name}: ${Msg}`);
    }
  }
}

async function answerOf(name: string, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    throw failed(name, EngineError.from(error).message, error);
  }
}

function failed(name: string, message: string, cause?: unknown): EngineError {
  return new EngineError('internal', `plugin ${name} failed with error: ${message}`, { cause });
}
