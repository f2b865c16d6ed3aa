import type { ContainerDeps } from '../engine-deps.ts';

/** What the network verbs work on. */
export type NetworkDeps = Pick<ContainerDeps, 'networking' | 'events' | 'containers' | 'locks' | 'config'>;
