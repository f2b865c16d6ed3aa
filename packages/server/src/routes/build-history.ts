import type { BuildUseCases } from '@wharf/engine/engine';
import { type Route, route } from '../router.ts';

/** Builds that were: a part of wharf's own, beside what BuildKit's API has for buildx. */
export function buildHistoryRoutes(builds: BuildUseCases): Route[] {
  return [
    route('GET', '/build/history', async (context) => {
      context.json(200, await builds.records(context.query.all('filter')));
    }),
    route('GET', '/build/history/{name}', async (context) => {
      context.json(200, await builds.record(context.parameters.name));
    }),
    route('DELETE', '/build/history/{name}', async (context) => {
      context.json(200, { Ref: await builds.removeRecord(context.parameters.name) });
    }),
    route('POST', '/build/history/{name}/pin', async (context) => {
      await builds.pinRecord(context.parameters.name, true);
      context.empty(204);
    }),
    route('POST', '/build/history/{name}/unpin', async (context) => {
      await builds.pinRecord(context.parameters.name, false);
      context.empty(204);
    }),
    route('GET', '/build/history/{name}/logs', async (context) => {
      const log = await builds.recordLog(context.parameters.name, context.signal);
      const response = context.startStream('application/x-ndjson');
      for await (const status of log) {
        if (!response.write(`${JSON.stringify(status)}\n`)) await response.drained();
        if (context.signal.aborted) break;
      }
      response.end();
    }),
    route('GET', '/build/history/{name}/explain', async (context) => {
      context.json(200, await builds.explain(context.parameters.name));
    }),
  ];
}
