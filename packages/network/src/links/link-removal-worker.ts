import { parentPort } from 'node:worker_threads';
import { hasErrno, SystemError } from '@wharf/sys/errno';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { deleteLink } from '@wharf/sys/netlink/link';
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

parentPort?.on('message', ({ id, index, namespace }: RemovalRequest) => {
  const answer: RemovalAnswer = { id, ...attempt(index, namespace) };
  parentPort?.postMessage(answer);
});

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
