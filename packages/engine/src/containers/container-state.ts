import type { ContainerStatus } from '@wharf/api/container';
import { conflict, EngineError } from '@wharf/base/error';
import type { ContainerRecord } from './container-record.ts';

export type ContainerAction = 'start' | 'stop' | 'kill' | 'pause' | 'unpause' | 'exec' | 'remove';

/** What may be done to a container in each state; anything else is refused with Docker's words. */
const allowed = {
  created: ['start', 'remove'],
  running: ['stop', 'kill', 'pause', 'exec'],
  paused: ['stop', 'kill', 'unpause'],
  restarting: ['stop', 'kill'],
  removing: [],
  exited: ['start', 'remove'],
  dead: ['remove'],
} as const satisfies Record<ContainerStatus, readonly ContainerAction[]>;

export function isAllowed(action: ContainerAction, status: ContainerStatus): boolean {
  return (allowed[status] as readonly ContainerAction[]).includes(action);
}

/** True while a process of the container exists. */
export function isUp(status: ContainerStatus): boolean {
  return status === 'running' || status === 'paused';
}

export function requireAllowed(action: ContainerAction, record: ContainerRecord): void {
  if (!isAllowed(action, record.state.status)) throw notAllowed(action, record);
}

/** What dockerd answers when `action` does not fit the container's state. */
export function notAllowed(action: ContainerAction, { id, state: { status } }: ContainerRecord): EngineError {
  switch (action) {
    case 'start':
      if (status === 'running') return new EngineError('not_modified', 'container already running');
      if (status === 'paused') return conflict('cannot start a paused container, try unpause instead');
      if (status === 'restarting') return new EngineError('not_modified', 'container already running');
      return conflict(`container is marked for removal and cannot be started`);
    case 'stop':
      return new EngineError('not_modified', 'container already stopped');
    case 'kill':
      return conflict(`container ${id} is not running`);
    case 'pause':
      if (status === 'paused') return conflict(`container ${id} is already paused`);
      if (status === 'restarting')
        return conflict(`container ${id} is restarting, wait until the container is running`);
      return conflict(`container ${id} is not running`);
    case 'unpause':
      return conflict(`container ${id} is not paused`);
    case 'exec':
      if (status === 'paused') return conflict(`Container ${id} is paused, unpause the container before exec`);
      if (status === 'restarting')
        return conflict(`container ${id} is restarting, wait until the container is running`);
      return conflict(`container ${id} is not running`);
    case 'remove':
      if (status === 'removing') return conflict(`removal of container ${id} is already in progress`);
      if (status === 'paused') return conflict('container is paused and must be unpaused first');
      return conflict(`container is ${status}: stop the container before removing or force remove`);
  }
}
