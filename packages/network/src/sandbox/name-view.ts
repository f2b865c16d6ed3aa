import type { LiveSandbox, NetworkContext } from '../context.ts';
import type { NameView } from '../dns/resolver.ts';
import { Upstream } from '../dns/upstream.ts';
import type { StoredEndpoint } from '../records.ts';

/** So that one container's questions leave room for the others'. */
const maxInFlight = 128;

/** What a sandbox's DNS server knows: the names of the networks it is in at the moment of the question. */
export function nameView(context: NetworkContext, live: LiveSandbox): NameView {
  const named = () => live.record.endpoints.filter(({ dnsNames }) => dnsNames.length > 0);
  let inFlight = 0;
  return {
    lookup(name) {
      for (const endpoint of named()) {
        const addresses = lookupIn(context, endpoint, name);
        if (addresses) return addresses;
      }
      return undefined;
    },
    reverse(address) {
      for (const { networkId } of named()) {
        const name = context.endpoints.nameOf(networkId, address);
        if (name) return name;
      }
      return undefined;
    },
    get forwards() {
      return live.record.endpoints.some(({ internal }) => !internal);
    },
    async forward(query, transport) {
      if (inFlight >= maxInFlight) return undefined;
      inFlight++;
      try {
        return await askOutside(context, live, query, transport);
      } finally {
        inFlight--;
      }
    },
  };
}

async function askOutside(
  context: NetworkContext,
  live: LiveSandbox,
  query: Buffer,
  transport: 'udp' | 'tcp',
): Promise<Buffer | undefined> {
  const chosen = live.record.request.dns;
  // Servers of the host's are asked as the host, so that its loopback ones work; the container's own from inside.
  if (chosen.length > 0 && live.namespace !== undefined) {
    live.upstream ??= new Upstream(live.namespace);
    return await live.upstream.ask(query, chosen, transport);
  }
  const servers = context.options.dns?.length ? context.options.dns : context.hostResolvConf.read().nameservers;
  return await context.upstream.ask(query, servers, transport);
}

function lookupIn({ endpoints }: NetworkContext, endpoint: StoredEndpoint, name: string) {
  const { networkId, networkName, settings } = endpoint;
  const link = (settings.Links ?? []).find((text) => text.split(':')[1]?.toLowerCase() === name);
  const target = link ? link.split(':')[0]!.toLowerCase() : name;
  const found = endpoints.addressesOf(networkId, target);
  if (found) return found;
  const suffix = `.${networkName.toLowerCase()}`;
  return name.endsWith(suffix) ? endpoints.addressesOf(networkId, name.slice(0, -suffix.length)) : undefined;
}
