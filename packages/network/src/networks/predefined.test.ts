import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { linkByName } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { DefaultBridgeOptions } from '../context.ts';
import { openLinuxNetworking } from '../linux-networking.ts';
import { createMemoryStore } from '../memory-store.ts';
import type { NetworkStore } from '../records.ts';
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

test('a bridge of the administrator’s is used with its address, and left in place', async () => {
  ip('link', 'add', 'theirs0', 'type', 'bridge');
  ip('addr', 'add', '10.30.0.9/24', 'dev', 'theirs0');
  assert.equal(await bridgeOf(createMemoryStore(), { bridge: 'theirs0' }), 'theirs0 10.30.0.0/24 10.30.0.9');
  using route = NetlinkSocket.open('route');
  assert.ok(linkByName(route, 'theirs0'));
  assert.equal(linkByName(route, 'wharf0'), undefined);
});
