import { containerConfig } from '@wharf/api/decode/container';
import { nullable } from '@wharf/base/decode';
import type { Engine } from '@wharf/engine/engine';
import { type Route, route } from '../router.ts';

export function commitRoutes({ containers }: Pick<Engine, 'containers'>): Route[] {
  return [
    route('POST', '/commit', async (context) => {
      const { query } = context;
      const config = await context.body(nullable(containerConfig));
      const committed = await containers.commit({
        container: query.text('container'),
        repo: query.text('repo'),
        tag: query.text('tag'),
        comment: query.text('comment'),
        author: query.text('author'),
        pause: query.booleanOr('pause', true),
        changes: query
          .all('changes')
          .flatMap((change) => change.split('\n'))
          .filter((line) => line.trim() !== ''),
        config: config ?? undefined,
      });
      context.json(201, committed);
    }),
  ];
}
