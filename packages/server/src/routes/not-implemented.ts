import { notImplemented } from '@wharf/base/error';
import { type Method, type Route, route } from '../router.ts';

/** Operations of the Engine API that are known and not there yet: each answers 501 and says its name. */
const operations: readonly [Method, string][] = [
  ['GET', '/containers/{id}/checkpoints'],
  ['POST', '/containers/{id}/checkpoints'],
  ['DELETE', '/containers/{id}/checkpoints/{checkpoint}'],
  ['GET', '/images/{name...}/attestations'],
  ['PUT', '/volumes/{name}'],
  ['GET', '/plugins'],
  ['GET', '/plugins/privileges'],
  ['POST', '/plugins/pull'],
  ['POST', '/plugins/create'],
  ['GET', '/plugins/{name...}/json'],
  ['DELETE', '/plugins/{name...}'],
  ['POST', '/plugins/{name...}/enable'],
  ['POST', '/plugins/{name...}/disable'],
  ['POST', '/plugins/{name...}/upgrade'],
  ['POST', '/plugins/{name...}/push'],
  ['POST', '/plugins/{name...}/set'],
];

export function notImplementedRoutes(): Route[] {
  return operations.map(([method, pattern]) =>
    route(method, pattern, () => {
      throw notImplemented(`${method} ${pattern.replace('...', '')}`);
    }),
  );
}
