import { containerCreateRequest } from '@wharf/api/decode/container';
import { atLeast } from '@wharf/api/version';
import { invalidArgument } from '@wharf/base/error';
import type { Engine, StopOptions } from '@wharf/engine/engine';
import { createRequestFor } from '../compat/container-create.ts';
import { containerInspectFor } from '../compat/container-inspect.ts';
import { containerSummaryFor } from '../compat/container-list.ts';
import type { Context } from '../context.ts';
import type { Query } from '../query.ts';
import { type Route, route } from '../router.ts';
import { checkpointToStart } from './checkpoints.ts';

export function containerRoutes({ containers }: Pick<Engine, 'containers'>, experimental: boolean): Route[] {
  return [
    route('GET', '/containers/json', async (context) => {
      const { query, version } = context;
      const found = await containers.list({
        all: query.boolean('all'),
        limit: listLimit(query),
        size: query.boolean('size'),
        filters: query.filters(),
      });
      context.json(
        200,
        found.map((summary) => containerSummaryFor(version, summary)),
      );
    }),

    route('POST', '/containers/create', async (context) => {
      const { query, version } = context;
      const sent = await context.requiredBody(containerCreateRequest);
      const { request, warnings } = createRequestFor(version, sent);
      const platform = atLeast(version, 41) ? query.text('platform') : '';
      const created = await containers.create(query.text('name') || undefined, request, platform || undefined);
      context.json(201, { ...created, Warnings: [...warnings, ...created.Warnings] });
    }),

    route('GET', '/containers/{id}/json', async (context) => {
      const inspect = await containers.inspect(context.parameters.id, { size: context.query.boolean('size') });
      context.json(200, containerInspectFor(context.version, inspect));
    }),

    route('GET', '/containers/{id}/top', async (context) => {
      context.json(200, await containers.top(context.parameters.id, context.query.text('ps_args')));
    }),

    route('POST', '/containers/{id}/start', async (context) => {
      await refuseStartBody(context);
      const checkpoint = checkpointToStart(context, experimental);
      if (checkpoint !== undefined) containers.checkpoints.start(context.parameters.id, checkpoint);
      else await containers.start(context.parameters.id);
      context.empty(204);
    }),

    route('POST', '/containers/{id}/stop', async (context) => {
      await containers.stop(context.parameters.id, stopOptions(context));
      context.empty(204);
    }),

    route('POST', '/containers/{id}/restart', async (context) => {
      await containers.restart(context.parameters.id, stopOptions(context));
      context.empty(204);
    }),

    route('POST', '/containers/{id}/kill', async (context) => {
      await containers.kill(context.parameters.id, context.query.text('signal') || undefined);
      context.empty(204);
    }),

    route('POST', '/containers/{id}/pause', async (context) => {
      await containers.pause(context.parameters.id);
      context.empty(204);
    }),

    route('POST', '/containers/{id}/unpause', async (context) => {
      await containers.unpause(context.parameters.id);
      context.empty(204);
    }),

    route('POST', '/containers/{id}/rename', async (context) => {
      await containers.rename(context.parameters.id, context.query.text('name'));
      context.empty(204);
    }),

    route('POST', '/containers/{id}/resize', async (context) => {
      await containers.resize(context.parameters.id, windowSize(context.query));
      context.empty(200);
    }),

    // `container/alias` names a link.
    route('DELETE', '/containers/{id...}', async (context) => {
      const { query } = context;
      const options = { force: query.boolean('force'), volumes: query.boolean('v'), link: query.boolean('link') };
      await containers.remove(context.parameters.id, options);
      context.empty(204);
    }),

    route('POST', '/containers/prune', async (context) => {
      context.json(200, await containers.prune(context.query.filters()));
    }),
  ];
}

function listLimit(query: Query): number {
  const limit = query.integer('limit') ?? 0;
  return Math.max(limit, 0);
}

/** Before 1.24 the host configuration came with start; Docker refuses it since. */
async function refuseStartBody<P>(context: Context<P>): Promise<void> {
  const { body } = context.exchange.request;
  if (body.kind === 'none') return;
  const text = await context.exchange.text(16 * 1024 * 1024);
  if (text !== '' && text !== '{}') {
    throw invalidArgument(
      'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
    );
  }
}

function stopOptions<P>({ query, version }: Context<P>): StopOptions {
  const timeout = query.integer('t');
  const signal = atLeast(version, 42) ? query.text('signal') : '';
  return { ...(signal !== '' && { signal }), ...(timeout !== undefined && { timeout }) };
}

/** `h` and `w` are mandatory. */
export function windowSize(query: Query): { rows: number; columns: number } {
  return { rows: dimension(query, 'h', 'height'), columns: dimension(query, 'w', 'width') };
}

function dimension(query: Query, name: string, word: string): number {
  const value = query.text(name);
  if (!/^\d{1,10}$/.test(value) || Number(value) >= 2 ** 32) {
    throw invalidArgument(`invalid resize ${word} ${JSON.stringify(value)}`);
  }
  return Number(value);
}
