import { checkpointCreateRequest } from '@wharf/api/decode/checkpoint';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import type { Context } from '../context.ts';
import { type Route, route } from '../router.ts';

/** Docker's experimental part of a container's life. */
export function checkpointRoutes({ containers }: Pick<Engine, 'containers'>, experimental: boolean): Route[] {
  return [
    route('GET', '/containers/{id}/checkpoints', (context) => {
      requireExperimental(experimental);
      context.json(200, containers.checkpoints.list(context.parameters.id));
    }),

    route('POST', '/containers/{id}/checkpoints', async (context) => {
      requireExperimental(experimental);
      const { CheckpointID } = await context.requiredBody(checkpointCreateRequest);
      containers.checkpoints.create(context.parameters.id, CheckpointID);
      context.empty(201);
    }),

    route('DELETE', '/containers/{id}/checkpoints/{checkpoint}', (context) => {
      requireExperimental(experimental);
      const { id, checkpoint } = context.parameters;
      containers.checkpoints.remove(id, checkpoint);
      context.empty(204);
    }),
  ];
}

/** The checkpoint that a start is to go on from; undefined where it is to begin anew. */
export function checkpointToStart<P>({ query }: Context<P>, experimental: boolean): string | undefined {
  const checkpoint = query.text('checkpoint');
  if (checkpoint === '') return undefined;
  if (!experimental) throw invalidArgument('checkpoint is only supported in experimental mode');
  if (query.text('checkpoint-dir') !== '') {
    throw new EngineError('permission_denied', 'custom checkpointdir is not supported');
  }
  return checkpoint;
}

function requireExperimental(experimental: boolean): void {
  if (experimental) return;
  throw new EngineError(
    'not_implemented',
    'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.',
  );
}
