import type { PathStat } from '@wharf/api/container-files';
import { invalidArgument } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import type { Context } from '../context.ts';
import { type Route, route } from '../router.ts';
import { sendArchive } from '../stream-response.ts';

const tarType = 'application/x-tar';

export function containerFileRoutes({ containers }: Pick<Engine, 'containers'>): Route[] {
  return [
    route('HEAD', '/containers/{id}/archive', async (context) => {
      const stat = await containers.statPath(context.parameters.id, pathOf(context));
      context.empty(200, statHeader(stat));
    }),

    route('GET', '/containers/{id}/archive', async (context) => {
      const { stat, archive } = await containers.archive(context.parameters.id, pathOf(context));
      await sendArchive(context, archive, tarType, statHeader(stat));
    }),

    route('PUT', '/containers/{id}/archive', async (context) => {
      const { query, parameters } = context;
      const options = {
        noOverwriteDirNonDir: query.boolean('noOverwriteDirNonDir'),
        copyUIDGID: query.boolean('copyUIDGID'),
      };
      await containers.extract(parameters.id, pathOf(context), context.bodyStream(), options);
      context.empty(200);
    }),

    route('GET', '/containers/{id}/export', async (context) => {
      await sendArchive(context, await containers.export(context.parameters.id), 'application/octet-stream');
    }),

    route('GET', '/containers/{id}/changes', async (context) => {
      const changes = await containers.changes(context.parameters.id);
      // Docker's empty list of changes is null.
      context.json(200, changes.length > 0 ? changes : null);
    }),
  ];
}

function pathOf<P>({ query }: Context<P>): string {
  const path = query.text('path');
  if (path === '') throw invalidArgument('bad parameter: path cannot be empty');
  if (path.includes('\0')) throw invalidArgument('bad parameter: path holds a NUL byte');
  return path;
}

function statHeader(stat: PathStat): Record<string, string> {
  return { 'X-Docker-Container-Path-Stat': Buffer.from(JSON.stringify(stat)).toString('base64') };
}
