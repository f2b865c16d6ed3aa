import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { linkByName } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { NetworkContext } from '../context.ts';
import type { StoredEndpoint } from '../records.ts';

/** Deletes an endpoint's interface and waits until the kernel has. */
export async function removeInterface(
  { remover }: Pick<NetworkContext, 'remover'>,
  { interfaceName }: StoredEndpoint,
  namespace: number,
): Promise<void> {
  using route = inNetworkNamespace(namespace, () => NetlinkSocket.open('route'));
  const link = linkByName(route, interfaceName);
  if (link) await remover.remove(link.index, namespace);
}
