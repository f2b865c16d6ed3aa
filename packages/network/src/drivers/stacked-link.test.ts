import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { hasErrno } from '@wharf/sys/errno';
import { closeNamespace, createNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { addVeth, linkByName, setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { type LinuxNetworking, openLinuxNetworking } from '../linux-networking.ts';
import { createMemoryStore } from '../memory-store.ts';
import { enterTestHost } from '../test-host.ts';
import { ask, network, request, run, serve } from '../test-sandbox.ts';

let host: ReturnType<typeof enterTestHost>;
let networking: LinuxNetworking;
let elsewhere: ReturnType<typeof createNetworkNamespace<NetlinkSocket>>;

before(async () => {
  host = enterTestHost();
  using route = NetlinkSocket.open('route');
  elsewhere = createNetworkNamespace(() => NetlinkSocket.open('route'));
  // One parent each: a link is not both macvlan's and ipvlan's.
  for (const name of ['lan0', 'lan1']) {
    const batch = new NetlinkBatch();
    const peer = { name, mac: `02:42:00:00:00:0${name.at(-1)}`, namespace: elsewhere.fd };
    addVeth(batch, { name, peer });
    route.transact(batch, 'make a parent');
    const raise = new NetlinkBatch();
    setLink(raise, linkByName(elsewhere.result, name)?.index ?? 0, { up: true });
    elsewhere.result.transact(raise, 'raise its other end');
  }
  networking = openLinuxNetworking({ store: createMemoryStore(), log: silentLogger, execRoot: '/run/stacked' });
  await networking.reconcile(new Map());
});
after(async () => {
  await networking.close();
  elsewhere.result.close();
  closeNamespace(elsewhere.fd);
  host.leave();
});

for (const [driver, parent, subnet] of [
  ['macvlan', 'lan0', '10.66.0.0/24'],
  ['ipvlan', 'lan1', '10.67.0.0/24'],
] as const) {
  test(`${driver}: containers on one parent reach each other`, async (t) => {
    const ipam = { Driver: 'default', Options: null, Config: [{ Subnet: subnet }] };
    await networking.createNetwork(network(driver, { driver, ipam, options: { parent } }));
    const open = (name: string) => networking.openSandbox(request(`${driver}-${name}`, { networkMode: driver }));
    try {
      const [web, peer] = [await open('web'), await open('peer')];
      assert.match(run(web, 'busybox', 'ip', 'route'), /default via 10\.6[67]\.0\.1 dev eth0/);
      await serve(web, 80, driver);
      assert.equal(await ask(web.endpoints[driver]!.IPAddress, 80, peer), driver);
    } catch (error) {
      if (!hasErrno(error, 'EOPNOTSUPP')) throw error;
      t.skip(`this kernel has no ${driver}`);
      return;
    }
    for (const { containerId } of networking.endpointsOf(networking.network(driver).id)) {
      await networking.closeSandbox(containerId);
    }
    await networking.removeNetwork(driver);
  });
}

describe('create', () => {
  const refused: readonly [driver: string, options: Record<string, string>, message: RegExp][] = [
    ['macvlan', {}, /without a parent is not supported/],
    ['macvlan', { parent: 'lo' }, /loopback interface is not a valid macvlan parent link/],
    ['macvlan', { parent: 'nowhere' }, /invalid subinterface vlan name nowhere/],
    ['macvlan', { parent: 'lan0', macvlan_mode: 'odd' }, /macvlan mode 'odd' is not valid/],
    ['ipvlan', { parent: 'lan1', ipvlan_mode: 'l3' }, /ipvlan mode l3 is not supported/],
    ['overlay', {}, /network driver overlay is not supported/],
    ['weave', {}, /plugin "weave" not found/],
  ];
  for (const [driver, options, message] of refused) {
    test(`refuses ${driver} with ${JSON.stringify(options)}`, async () => {
      await assert.rejects(networking.createNetwork(network('bad', { driver, options })), message);
      assert.throws(() => networking.network('bad'), /not found/);
    });
  }
});
