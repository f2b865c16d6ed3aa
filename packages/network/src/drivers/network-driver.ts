import type { NetlinkBatch } from '@wharf/sys/netlink/batch';
import type { NetworkSpec } from '../networking.ts';
import type { RemoteDriver } from '../plugins/remote-driver.ts';
import type { StoredEndpoint, StoredNetwork } from '../records.ts';

export interface NetworkDriver {
  /** The same driver, where it is a plugin that has to be asked. */
  readonly remote?: RemoteDriver;
  /** Refuses what the driver cannot do, before anything is touched. */
  validate(spec: NetworkSpec): void;
  /** Makes the network's links; does nothing where they exist. */
  ensure(network: StoredNetwork): void;
  /** Removes the links that `ensure` made. */
  remove(network: StoredNetwork): Promise<void>;
  /** Appends the messages that put the endpoint's link, down, into the namespace of this descriptor. */
  link(batch: NetlinkBatch, network: StoredNetwork, endpoint: StoredEndpoint, namespace: number): void;
}

/** host and none: nothing to make. */
export const emptyDriver: NetworkDriver = {
  validate() {},
  ensure() {},
  async remove() {},
  link() {},
};
