import { volumeCreateRequest } from '@wharf/api/decode/volume';
import { atLeast } from '@wharf/api/version';
import { EngineError, notImplemented } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import { type Route, route } from '../router.ts';

export function volumeRoutes({ volumes }: Pick<Engine, 'volumes'>): Route[] {
  return [
    route('GET', '/volumes', async (context) => context.json(200, await volumes.list(context.query.filters()))),
    route('GET', '/volumes/{name}', async (context) => {
      context.json(200, await volumes.inspect(context.parameters.name));
    }),
    route('POST', '/volumes/create', async (context) => {
      const request = await context.body(volumeCreateRequest);
      if (request.ClusterVolumeSpec) throw notImplemented('a cluster volume');
      context.json(201, await volumes.create(request));
    }),
    route('PUT', '/volumes/{name}', () => {
      throw new EngineError('unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable');
    }),
    route('DELETE', '/volumes/{name}', async (context) => {
      await volumes.remove(context.parameters.name, context.query.boolean('force'));
      context.empty(204);
    }),
    route('POST', '/volumes/prune', async (context) => {
      const filters = new Map(context.query.filters());
      // Before 1.42 named volumes were pruned with the anonymous ones.
      if (!atLeast(context.version, 42)) filters.set('all', ['true']);
      context.json(200, await volumes.prune(filters));
    }),
  ];
}
