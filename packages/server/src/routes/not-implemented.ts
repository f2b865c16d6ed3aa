import { notImplemented } from '@wharf/base/error';
import { type Method, type Route, route } from '../router.ts';

/** Operations of the Engine API that are known and not there yet: each answers 501 and says its name. */
const operations: readonly [Method, string][] = [
  ['GET', '/images/{name...}/attestations'],
  ['PUT', '/volumes/{name}'],
];

export function notImplementedRoutes(): Route[] {
  return operations.map(([method, pattern]) =>
    route(method, pattern, () => {
      throw notImplemented(`${method} ${pattern.replace('...', '')}`);
    }),
  );
}
