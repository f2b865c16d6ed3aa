import { atLeast } from '@wharf/api/version';
import { invalidArgument } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import { type Route, route } from '../router.ts';

export function containerStatsRoutes({ containers }: Pick<Engine, 'containers'>): Route[] {
  return [
    route('GET', '/containers/{id}/stats', async (context) => {
      const { query, version, signal, parameters } = context;
      const stream = query.booleanOr('stream', true);
      const oneShot = atLeast(version, 41) && query.boolean('one-shot');
      if (stream && oneShot) throw invalidArgument('cannot have stream=true and one-shot=true');
      const samples = await containers.stats(parameters.id, { stream, oneShot }, signal);
      const response = context.startStream('application/json');
      try {
        for await (const sample of samples) {
          if (!response.write(`${JSON.stringify(sample)}\n`)) await response.drained();
        }
        response.end();
      } catch (error) {
        response.destroy();
        throw error;
      }
    }),
  ];
}
