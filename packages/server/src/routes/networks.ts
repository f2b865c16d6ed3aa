import { networkConnectRequest, networkCreateRequest, networkDisconnectRequest } from '@wharf/api/decode/network';
import { atLeast } from '@wharf/api/version';
import type { Engine } from '@wharf/engine/engine';
import { networkInspectFor } from '../compat/network.ts';
import type { Context } from '../context.ts';
import { type Route, route } from '../router.ts';

export function networkRoutes({ networks }: Pick<Engine, 'networks'>): Route[] {
  async function list<P>(context: Context<P>): Promise<void> {
    const found = await networks.list(context.query.filters());
    context.json(
      200,
      found.map((network) => networkInspectFor(context.version, network)),
    );
  }
  return [
    route('GET', '/networks', list),
    route('GET', '/networks/', list),
    route('GET', '/networks/{id}', async (context) => {
      const { query } = context;
      const options = { verbose: query.boolean('verbose'), scope: query.text('scope') };
      const network = await networks.inspect(context.parameters.id, options);
      context.json(200, networkInspectFor(context.version, network));
    }),
    route('POST', '/networks/create', async (context) => {
      const request = await context.requiredBody(networkCreateRequest);
      if (!atLeast(context.version, 48)) request.EnableIPv4 = null;
      context.json(201, await networks.create(request));
    }),
    route('POST', '/networks/{id}/connect', async (context) => {
      const { Container, EndpointConfig } = await context.requiredBody(networkConnectRequest);
      await networks.connect(context.parameters.id, Container, EndpointConfig ?? undefined);
      context.empty(200);
    }),
    route('POST', '/networks/{id}/disconnect', async (context) => {
      const { Container, Force } = await context.requiredBody(networkDisconnectRequest);
      await networks.disconnect(context.parameters.id, Container, Force);
      context.empty(200);
    }),
    route('POST', '/networks/prune', async (context) => {
      context.json(200, await networks.prune(context.query.filters()));
    }),
    route('DELETE', '/networks/{id}', async (context) => {
      await networks.remove(context.parameters.id);
      context.empty(204);
    }),
  ];
}
