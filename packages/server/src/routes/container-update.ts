import { containerUpdateRequest } from '@wharf/api/decode/container';
import type { Engine } from '@wharf/engine/engine';
import { updateRequestFor } from '../compat/container-update.ts';
import { type Route, route } from '../router.ts';

export function containerUpdateRoutes({ containers }: Pick<Engine, 'containers'>): Route[] {
  return [
    route('POST', '/containers/{id}/update', async (context) => {
      const sent = await context.body(containerUpdateRequest);
      context.json(200, await containers.update(context.parameters.id, updateRequestFor(context.version, sent)));
    }),
  ];
}
