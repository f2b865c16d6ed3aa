import { EngineError, notImplemented } from '@wharf/base/error';
import { type Method, type Route, route } from '../router.ts';

/** What only a manager of a swarm answers: Docker tells everybody else how to become one. */
const managerOperations: readonly [Method, string][] = [
  ['GET', '/swarm'],
  ['POST', '/swarm/update'],
  ['GET', '/swarm/unlockkey'],
  ['GET', '/nodes'],
  ['GET', '/nodes/{id}'],
  ['DELETE', '/nodes/{id}'],
  ['POST', '/nodes/{id}/update'],
  ['GET', '/services'],
  ['POST', '/services/create'],
  ['GET', '/services/{id}'],
  ['DELETE', '/services/{id}'],
  ['POST', '/services/{id}/update'],
  ['GET', '/services/{id}/logs'],
  ['GET', '/tasks'],
  ['GET', '/tasks/{id}'],
  ['GET', '/tasks/{id}/logs'],
  ['GET', '/secrets'],
  ['POST', '/secrets/create'],
  ['GET', '/secrets/{id}'],
  ['DELETE', '/secrets/{id}'],
  ['POST', '/secrets/{id}/update'],
  ['GET', '/configs'],
  ['POST', '/configs/create'],
  ['GET', '/configs/{id}'],
  ['DELETE', '/configs/{id}'],
  ['POST', '/configs/{id}/update'],
];

export function swarmRoutes(): Route[] {
  return [
    ...managerOperations.map(([method, pattern]) =>
      route(method, pattern, () => {
        throw new EngineError(
          'unavailable',
          'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to ' +
            'swarm and try again.',
        );
      }),
    ),
    route('POST', '/swarm/leave', () => {
      throw new EngineError('unavailable', 'This node is not part of a swarm');
    }),
    route('POST', '/swarm/unlock', () => {
      throw new EngineError('unavailable', 'This node is not part of a swarm');
    }),
    route('POST', '/swarm/init', () => {
      throw notImplemented('POST /swarm/init');
    }),
    route('POST', '/swarm/join', () => {
      throw notImplemented('POST /swarm/join');
    }),
  ];
}
