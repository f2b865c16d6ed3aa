import { authConfig } from '@wharf/api/registry';
import { invalidArgument } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import { type Route, route } from '../router.ts';

/** What the daemon asks registries for clients. */
export function registryRoutes({ registry }: Pick<Engine, 'registry'>): Route[] {
  return [
    route('POST', '/auth', async (context) => {
      context.json(200, await registry.login(await context.body(authConfig), context.signal));
    }),
    route('GET', '/images/search', async (context) => {
      const { query, signal } = context;
      const term = query.text('term');
      if (term === '') throw invalidArgument('the query parameter term is missing');
      const auth = context.header('x-registry-auth');
      const options = { limit: query.integer('limit'), filters: query.filters(), auth, signal };
      context.json(200, await registry.search(term, options));
    }),
    route('GET', '/distribution/{name...}/json', async (context) => {
      const auth = context.header('x-registry-auth');
      const { name } = context.parameters;
      context.json(200, await registry.inspect(name, { auth, signal: context.signal }));
    }),
  ];
}
