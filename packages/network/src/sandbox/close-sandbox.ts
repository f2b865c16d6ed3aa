import { runAll } from '@wharf/base/transaction';
import { closeNamespace } from '@wharf/sys/namespaces';
import type { LiveSandbox, NetworkContext } from '../context.ts';
import type { StoredEndpoint } from '../records.ts';
import { releaseEndpoint } from './create-endpoint.ts';
import { leaveRemote } from './join-remotes.ts';
import { unpublish } from './published-ports.ts';
import { removeInterface } from './remove-interface.ts';

/**
 * Releases ports, names, addresses and the namespace. Closing the last reference to the namespace is enough for a
 * bridge: the kernel removes its interfaces later, where deleting them here would wait for it.
 */
export async function closeSandbox(context: NetworkContext, containerId: string): Promise<void> {
  const live = context.live.get(containerId);
  if (!live) return;
  context.live.delete(containerId);
  const failures = await runAll([
    () => unpublish(context, live),
    ...stackedEndpoints(live).map(
      ([endpoint, namespace]) =>
        () =>
          removeInterface(context, endpoint, namespace),
    ),
    ...live.record.endpoints.map((endpoint) => () => leaveRemote(context, endpoint, live.namespace)),
    () => closeListeners(live),
    ...live.record.endpoints.map((endpoint) => () => releaseEndpoint(context, endpoint)),
    () => void context.sandboxes.delete(containerId),
  ]);
  for (const error of failures) context.log.warn('Cannot release all of a sandbox', { container: containerId, error });
}

/** Links that share their parent's table of addresses: the next container with the same one would be refused. */
function stackedEndpoints({ record, namespace }: LiveSandbox): [StoredEndpoint, number][] {
  if (namespace === undefined) return [];
  const stacked = record.endpoints.filter(({ driver }) => driver === 'macvlan' || driver === 'ipvlan');
  return stacked.map((endpoint) => [endpoint, namespace]);
}

/** What the daemon itself holds of a sandbox; the sandbox lives on where a process is in it. */
export async function closeListeners(live: LiveSandbox): Promise<void> {
  live.dns?.close();
  live.dns = undefined;
  const { upstream } = live;
  live.upstream = undefined;
  if (live.namespace !== undefined) closeNamespace(live.namespace);
  if (live.user !== undefined) closeNamespace(live.user);
  await upstream?.close();
}
