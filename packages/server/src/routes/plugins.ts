import { checkFilterNames } from '@wharf/api/filters';
import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import { type Method, type Route, route } from '../router.ts';

/** What is asked of a plugin that is installed. */
const operations: readonly [Method, string][] = [
  ['GET', '/plugins/{name...}/json'],
  ['DELETE', '/plugins/{name...}'],
  ['POST', '/plugins/{name...}/disable'],
  ['POST', '/plugins/{name...}/push'],
  ['POST', '/plugins/{name...}/upgrade'],
  ['POST', '/plugins/{name...}/set'],
];

/**
 * Managed plugins, which come from a registry and run in the engine. There are none here, and none can be installed:
 * plugins of the host, by their sockets and spec files, do what those do.
 */
export function pluginRoutes(): Route[] {
  return [
    route('GET', '/plugins', (context) => {
      const filters = context.query.filters();
      checkFilterNames(filters, ['capability', 'enabled', 'enable']);
      for (const value of filters.get('enabled') ?? []) {
        if (!['true', 'false', '1', '0'].includes(value)) throw invalidArgument(`invalid filter 'enabled=[${value}]'`);
      }
      context.json(200, []);
    }),

    route('GET', '/plugins/privileges', () => {
      throw notInstalled();
    }),
    route('POST', '/plugins/pull', () => {
      throw notInstalled();
    }),
    route('POST', '/plugins/create', () => {
      throw notInstalled();
    }),

    route('POST', '/plugins/{name...}/enable', (context) => {
      // It has no default: strconv.Atoi of nothing.
      if (context.query.integer('timeout') === undefined) {
        throw invalidArgument('strconv.Atoi: parsing "": invalid syntax');
      }
      throw noSuchPlugin(context.parameters.name);
    }),
    ...operations.map(([method, pattern]) =>
      route(method, pattern, (context) => {
        throw noSuchPlugin((context.parameters as { readonly name: string }).name);
      }),
    ),
  ];
}

function noSuchPlugin(name: string): Error {
  return notFound(`plugin ${JSON.stringify(name)} not found`);
}

function notInstalled(): Error {
  return new EngineError(
    'not_implemented',
    'managed plugins are not supported by wharfd yet: run the plugin on the host, with its socket in /run/docker/plugins or a spec file in /etc/docker/plugins',
  );
}
