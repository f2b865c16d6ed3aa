import { randomInt } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { hasErrno, SystemError } from '@wharf/sys/errno';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { deleteLink, deleteLinkGroup, setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';

export interface RemovalRequest {
  readonly id: number;
  readonly index: number;
  /** Descriptor of the namespace; descriptors belong to the process, not to the thread. */
  readonly namespace?: number;
}

export interface RemovalAnswer {
  readonly id: number;
  readonly errno?: number;
}

const EIO = 5;

const waiting: RemovalRequest[] = [];

parentPort?.on('message', (request: RemovalRequest) => {
  // While the kernel took its time for the last ones, others came.
  if (waiting.push(request) === 1) setImmediate(removeWaiting);
});

/** Those of containers first: somebody waits for them. */
function removeWaiting(): void {
  const requests = waiting.splice(0);
  for (const { id, index, namespace } of requests) {
    if (namespace !== undefined) parentPort?.postMessage({ id, ...attempt(index, namespace) } satisfies RemovalAnswer);
  }
  const ofHost = requests.filter(({ namespace }) => namespace === undefined);
  const together = ofHost.length > 1 && removeTogether(ofHost);
  for (const { id, index } of ofHost) {
    parentPort?.postMessage({ id, ...(together ? {} : attempt(index, undefined)) } satisfies RemovalAnswer);
  }
}

/** False where not all of them can go in one step. */
function removeTogether(requests: readonly RemovalRequest[]): boolean {
  // A group of links is a number that everybody may choose; 0 has all that are in none.
  const group = randomInt(1 << 20, 2 ** 31);
  using route = NetlinkSocket.open('route');
  try {
    const batch = new NetlinkBatch();
    for (const { index } of requests) setLink(batch, index, { group });
    deleteLinkGroup(batch, group);
    route.transact(batch, 'delete links');
    return true;
  } catch {
    return false;
  }
}

function attempt(index: number, namespace: number | undefined): { errno?: number } {
  try {
    if (namespace === undefined) remove(index);
    else inNetworkNamespace(namespace, () => remove(index));
    return {};
  } catch (error) {
    if (hasErrno(error, 'ENODEV')) return {};
    return { errno: error instanceof SystemError ? error.errno : EIO };
  }
}

function remove(index: number): void {
  using route = NetlinkSocket.open('route');
  const batch = new NetlinkBatch();
  deleteLink(batch, index);
  route.transact(batch, 'delete a link');
}
