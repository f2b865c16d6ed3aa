import { check } from '@wharf/sys/errno';
import { closeNamespace, openNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { syscall } from '@wharf/sys/syscall';

const CLONE_NEWNET = 0x40000000;

/** Moves the calling thread into an empty network namespace, so that a test has a host of its own. */
export function enterTestHost(): { leave(): void } {
  const home = openNamespace('/proc/thread-self/ns/net');
  check(syscall('unshare', CLONE_NEWNET), 'unshare a network namespace');
  using route = NetlinkSocket.open('route');
  const batch = new NetlinkBatch();
  setLink(batch, 1, { up: true });
  route.transact(batch, 'raise lo');
  return {
    leave() {
      check(syscall('setns', home, CLONE_NEWNET), 'leave the test host');
      closeNamespace(home);
    },
  };
}
