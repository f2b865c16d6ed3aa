import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { linkByName } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { DefaultBridgeOptions } from '../context.ts';
import { openLinuxNetworking } from '../linux-networking.ts';
import { createMemoryStore } from '../memory-store.ts';
import type { NetworkStore, StoredNetwork } from '../records.ts';
import { enterTestHost } from '../test-host.ts';

let host: ReturnType<typeof enterTestHost>;
before(() => {
  host = enterTestHost();
});
after(() => host.leave());

const ip = (...args: string[]) => execFileSync('busybox', ['ip', ...args]);

/** Runs a daemon's networking from start to stop; answers its default bridge. */
async function bridgeOf(store: NetworkStore, defaultBridge: DefaultBridgeOptions): Promise<string> {
  const networking = openLinuxNetworking({ store, log: silentLogger, execRoot: '/run/predefined', defaultBridge });
  await networking.reconcile(new Map());
  const names = networking.networks().map(({ name }) => name);
  assert.deepEqual(names.toSorted(), defaultBridge.bridge === 'none' ? ['host', 'none'] : ['bridge', 'host', 'none']);
  let text = 'none';
  if (names.includes('bridge')) {
    const { options, ipam } = networking.network('bridge');
    const [config] = ipam.Config;
    text = `${options['com.docker.network.bridge.name']} ${config?.Subnet} ${config?.Gateway}`;
  }
  await networking.close({ removeHostState: true });
  return text;
}

test('the default bridge keeps its name and subnet from start to start', async () => {
  const store = createMemoryStore();
  assert.equal(await bridgeOf(store, {}), 'wharf0 172.17.0.0/16 172.17.0.1');
  assert.equal(await bridgeOf(store, {}), 'wharf0 172.17.0.0/16 172.17.0.1');
});

test('what another took while the daemon was down is given up', async () => {
  const store = createMemoryStore();
  await bridgeOf(store, {});
  ip('link', 'add', 'wharf0', 'type', 'bridge');
  ip('addr', 'add', '172.17.5.1/24', 'dev', 'wharf0');
  ip('link', 'set', 'wharf0', 'up');
  assert.equal(await bridgeOf(store, {}), 'wharf1 172.18.0.0/16 172.18.0.1');
  ip('link', 'delete', 'wharf0');
});

test('options decide, also later', async () => {
  const store = createMemoryStore();
  await bridgeOf(store, {});
  assert.equal(await bridgeOf(store, { bip: '10.20.0.1/24' }), 'wharf0 10.20.0.0/24 10.20.0.1');
  assert.equal(await bridgeOf(store, { bridge: 'mine0' }), 'mine0 172.17.0.0/16 172.17.0.1');
  assert.equal(await bridgeOf(store, { bridge: 'none' }), 'none');
});

test('IPv6 comes and goes with its option, and stays where it was', async () => {
  const store = createMemoryStore();
  const subnets = async (options: DefaultBridgeOptions) => {
    await bridgeOf(store, options);
    const networks = [...store.collection<StoredNetwork>('networks').values()];
    return networks
      .find(({ name }) => name === 'bridge')!
      .ipam.Config.map(({ Subnet, Gateway }) => `${Subnet} ${Gateway}`);
  };
  const [v4, v6, ...others] = await subnets({ ipv6: true });
  assert.deepEqual([v4, others], ['172.17.0.0/16 172.17.0.1', []]);
  assert.match(v6!, /^fd[0-9a-f:]+::\/64 fd[0-9a-f:]+::1$/);
  assert.deepEqual(await subnets({ ipv6: true }), [v4, v6]);
  assert.deepEqual(await subnets({ ipv6: true, fixedCidrV6: 'fd00:77::/64' }), [v4, 'fd00:77::/64 fd00:77::1']);
  const named = { ipv6: true, fixedCidrV6: 'fd00:77::/64', defaultGatewayV6: 'fd00:77::9' };
  assert.deepEqual(await subnets(named), [v4, 'fd00:77::/64 fd00:77::9']);
  assert.deepEqual(await subnets({ ipv6: true, bip6: 'fd00:78::5/64' }), [v4, 'fd00:78::/64 fd00:78::5']);
  assert.deepEqual(await subnets({ fixedCidrV6: 'fd00:77::/64' }), [v4]);
});

test('a bridge of the administrator’s is used with its address, and left in place', async () => {
  ip('link', 'add', 'theirs0', 'type', 'bridge');
  ip('addr', 'add', '10.30.0.9/24', 'dev', 'theirs0');
  assert.equal(await bridgeOf(createMemoryStore(), { bridge: 'theirs0' }), 'theirs0 10.30.0.0/24 10.30.0.9');
  using route = NetlinkSocket.open('route');
  assert.ok(linkByName(route, 'theirs0'));
  assert.equal(linkByName(route, 'wharf0'), undefined);
});
