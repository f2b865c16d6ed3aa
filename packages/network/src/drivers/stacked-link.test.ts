import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

interface Case {
  readonly driver: 'macvlan' | 'ipvlan';
  readonly what: string;
  readonly options: Record<string, string>;
  readonly internal?: boolean;
  /** What `ip route` says about the default route inside. */
  readonly route: RegExp;
  /** The parent's name, where it is made for the network. */
  readonly makes?: RegExp;
}

const cases: readonly Case[] = [
  { driver: 'macvlan', what: 'one parent', options: { parent: 'lan0' }, route: /default via 10\.66\.0\.1 dev eth0/ },
  { driver: 'ipvlan', what: 'one parent', options: { parent: 'lan1' }, route: /default via 10\.66\.0\.1 dev eth0/ },
  {
    driver: 'macvlan',
    what: 'an 802.1q sub-interface',
    options: { parent: 'lan0.30' },
    route: /default via 10\.66\.0\.1 dev eth0/,
    makes: /lan0\.30@lan0/,
  },
  {
    driver: 'ipvlan',
    what: 'a parent and layer 3',
    options: { parent: 'lan1', ipvlan_mode: 'l3' },
    route: /default dev eth0/,
  },
  {
    driver: 'macvlan',
    what: 'no parent, and nothing leaves',
    options: {},
    internal: true,
    route: /^(?!.*default)/s,
    makes: /dm-[0-9a-f]{12}/,
  },
];

for (const { driver, what, options, internal = false, route, makes } of cases) {
  test(`${driver}: containers on ${what} reach each other`, async (t) => {
    const ipam = { Driver: 'default', Options: null, Config: [{ Subnet: '10.66.0.0/24' }] };
    const open = (name: string) => networking.openSandbox(request(`${driver}-${name}`, { networkMode: driver }));
    try {
      await networking.createNetwork(network(driver, { driver, ipam, options, internal }));
      if (makes) assert.match(links(), makes);
      const [web, peer] = [await open('web'), await open('peer')];
      assert.match(run(web, 'busybox', 'ip', 'route'), route);
      await serve(web, 80, driver);
      assert.equal(await ask(web.endpoints[driver]!.IPAddress, 80, peer), driver);
    } catch (error) {
      if (!hasErrno(error, 'EOPNOTSUPP')) throw error;
      t.skip(`this kernel has no ${what === 'one parent' ? driver : `${driver} on ${what}`}`);
      await clear(driver);
      return;
    }
    await clear(driver);
    if (makes) assert.doesNotMatch(links(), makes);
  });
}

test('macvlan: a sub-interface stays until the last network on it goes', async (t) => {
  const make = (name: string) =>
    networking.createNetwork(network(name, { driver: 'macvlan', options: { parent: 'lan0.31' } }));
  try {
    await make('first');
  } catch (error) {
    if (!hasErrno(error, 'EOPNOTSUPP')) throw error;
    t.skip('this kernel has no 802.1q');
    return;
  }
  await make('second');
  await networking.removeNetwork('first');
  assert.match(links(), /lan0\.31@/);
  await networking.removeNetwork('second');
  assert.doesNotMatch(links(), /lan0\.31@/);
});

for (const mode of ['private', 'vepa', 'passthru']) {
  test(`macvlan: mode ${mode} is the kernel's`, async () => {
    await networking.createNetwork(
      network(mode, { driver: 'macvlan', options: { parent: 'lan0', macvlan_mode: mode } }),
    );
    const sandbox = await networking.openSandbox(request(`one-${mode}`, { networkMode: mode }));
    assert.match(run(sandbox, 'ip', '-d', 'link', 'show', 'eth0'), new RegExp(`macvlan mode ${mode}`));
    await clear(mode);
  });
}

function links(): string {
  return execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' });
}

async function clear(name: string): Promise<void> {
  if (!networking.networks().some((one) => one.name === name)) return;
  for (const { containerId } of networking.endpointsOf(networking.network(name).id)) {
    await networking.closeSandbox(containerId);
  }
  await networking.removeNetwork(name);
}

describe('create', () => {
  const refused: readonly [driver: string, options: Record<string, string>, message: RegExp][] = [
    ['macvlan', { parent: 'nowhere.7' }, /-o parent interface was not found on the host: nowhere/],
    ['macvlan', { parent: 'lan0.4095' }, /vlan id must be between 1-4094, received: 4095/],
    ['macvlan', { parent: 'lo' }, /loopback interface is not a valid macvlan parent link/],
    ['macvlan', { parent: 'nowhere' }, /invalid subinterface vlan name nowhere/],
    ['macvlan', { parent: 'lan0', macvlan_mode: 'odd' }, /macvlan mode 'odd' is not valid/],
    ['ipvlan', { parent: 'lan1', ipvlan_mode: 'l4' }, /ipvlan mode 'l4' is not valid/],
    ['overlay', {}, /This node is not a swarm manager/],
    ['overlay', { peers: 'nobody' }, /invalid peer address: nobody/],
    ['overlay', { peers: '10.0.0.1', encrypted: '' }, /an encrypted overlay network is not supported/],
    ['weave', {}, /plugin "weave" not found/],
  ];
  for (const [driver, options, message] of refused) {
    test(`refuses ${driver} with ${JSON.stringify(options)}`, async () => {
      await assert.rejects(networking.createNetwork(network('bad', { driver, options })), message);
      assert.throws(() => networking.network('bad'), /not found/);
    });
  }
});
