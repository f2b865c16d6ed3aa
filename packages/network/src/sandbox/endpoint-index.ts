import { type Address, formatAddress, parseAddress } from '../address.ts';
import type { StoredEndpoint } from '../records.ts';

interface Members {
  readonly endpoints: Map<string, StoredEndpoint>;
  readonly byName: Map<string, Set<StoredEndpoint>>;
  readonly byAddress: Map<string, StoredEndpoint>;
}

/** The endpoints of each network, found by name and address without a search. */
export class EndpointIndex {
  readonly #networks = new Map<string, Members>();

  add(endpoint: StoredEndpoint): void {
    let members = this.#networks.get(endpoint.networkId);
    if (!members) {
      members = { endpoints: new Map(), byName: new Map(), byAddress: new Map() };
      this.#networks.set(endpoint.networkId, members);
    }
    members.endpoints.set(endpoint.id, endpoint);
    for (const name of endpoint.dnsNames) {
      const sharing = members.byName.get(name);
      if (sharing) sharing.add(endpoint);
      else members.byName.set(name, new Set([endpoint]));
    }
    for (const text of [endpoint.ipv4, endpoint.ipv6]) if (text) members.byAddress.set(text, endpoint);
  }

  remove(endpoint: StoredEndpoint): void {
    const members = this.#networks.get(endpoint.networkId);
    if (!members?.endpoints.delete(endpoint.id)) return;
    for (const name of endpoint.dnsNames) {
      const sharing = members.byName.get(name);
      sharing?.delete(endpoint);
      if (sharing?.size === 0) members.byName.delete(name);
    }
    for (const text of [endpoint.ipv4, endpoint.ipv6]) {
      if (text && members.byAddress.get(text) === endpoint) members.byAddress.delete(text);
    }
    if (members.endpoints.size === 0) this.#networks.delete(endpoint.networkId);
  }

  ofNetwork(networkId: string): StoredEndpoint[] {
    return [...(this.#networks.get(networkId)?.endpoints.values() ?? [])];
  }

  /** Undefined where the network has nobody of this name. */
  addressesOf(networkId: string, name: string): Address[] | undefined {
    const sharing = this.#networks.get(networkId)?.byName.get(name);
    if (!sharing) return undefined;
    const texts = [...sharing].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
    return texts.flatMap((text) => parseAddress(text ?? '') ?? []);
  }

  /** `container.network`, as Docker answers reverse questions. */
  nameOf(networkId: string, address: Address): string | undefined {
    const endpoint = this.#networks.get(networkId)?.byAddress.get(formatAddress(address));
    return endpoint && `${endpoint.containerName}.${endpoint.networkName}`;
  }
}
