import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFilters } from '@wharf/api/filters';
import type { NetworkCreateRequest } from '@wharf/api/network';
import { KeyedLock } from '@wharf/base/keyed-lock';
import type { EndpointRecord, Networking, NetworkRecord } from '@wharf/network/networking';
import type { EngineEvent } from '../events.ts';
import { createNetwork } from './create.ts';
import { listNetworks } from './list.ts';
import type { NetworkDeps } from './network-deps.ts';
import { pruneNetworks } from './prune.ts';

function record(name: string, rest: Partial<NetworkRecord> = {}): NetworkRecord {
  return {
    id: Buffer.from(name).toString('hex').padEnd(64, '0'),
    name,
    driver: 'bridge',
    created: '2026-01-02T03:04:05Z',
    scope: 'local',
    internal: false,
    attachable: false,
    ingress: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: { Driver: 'default', Options: null, Config: [] },
    options: {},
    labels: {},
    configOnly: false,
    predefined: false,
    ...rest,
  };
}

/** Networks in memory; `busy` has one endpoint. */
function fake(): { deps: NetworkDeps; events: string[] } {
  let networks = [
    record('bridge', { predefined: true }),
    record('host', { predefined: true, driver: 'host' }),
    record('front', { labels: { tier: 'web' } }),
    record('frontier'),
    record('busy', { labels: { tier: 'db' } }),
  ];
  const endpoint: EndpointRecord = {
    id: 'e1',
    networkId: networks[4]!.id,
    containerId: 'c1',
    containerName: 'one',
    macAddress: '02:42:0a:00:00:02',
  };
  const networking: Pick<Networking, 'networks' | 'network' | 'endpointsOf' | 'createNetwork' | 'removeNetwork'> = {
    networks: () => networks,
    network: (id) => networks.find((each) => each.id === id || each.name === id)!,
    endpointsOf: (id) => (endpoint.networkId === id ? [endpoint] : []),
    createNetwork: async (spec) => {
      networks = [...networks, record(spec.name, spec)];
      return { id: record(spec.name).id, warnings: [] };
    },
    removeNetwork: async (id) => {
      networks = networks.filter((each) => each.id !== id);
    },
  };
  const events: string[] = [];
  const publish = ({ action, attributes }: EngineEvent) =>
    void events.push(`${action} ${attributes.name ?? attributes.reclaimed}`);
  return { deps: { networking, events: { publish }, locks: new KeyedLock() } as unknown as NetworkDeps, events };
}

const rows: readonly [filters: object, names: string[]][] = [
  [{}, ['bridge', 'host', 'front', 'frontier', 'busy']],
  [{ name: ['front'] }, ['front', 'frontier']],
  [{ name: ['^front$'] }, ['front']],
  [{ driver: ['host'] }, ['host']],
  [{ type: ['custom'] }, ['front', 'frontier', 'busy']],
  [{ type: ['builtin'] }, ['bridge', 'host']],
  [{ dangling: ['true'] }, ['front', 'frontier']],
  [{ dangling: ['false'] }, ['bridge', 'host', 'busy']],
  [{ label: ['tier=web'] }, ['front']],
  [{ label: ['tier'], name: ['busy'] }, ['busy']],
  [{ scope: ['swarm'] }, []],
  [{ id: [record('front').id.slice(0, 8)] }, ['front', 'frontier']],
];

describe('list', () => {
  for (const [filters, names] of rows) {
    test(`with ${JSON.stringify(filters)} shows ${names.join(' ') || 'nothing'}`, async () => {
      const found = await listNetworks(fake().deps, parseFilters(JSON.stringify(filters)));
      assert.deepEqual(
        found.map(({ Name }) => Name),
        names,
      );
    });
  }

  test('refuses filters and types that are none', async () => {
    const list = (filters: object) => listNetworks(fake().deps, parseFilters(JSON.stringify(filters)));
    await assert.rejects(list({ colour: ['red'] }), { message: "invalid filter 'colour'" });
    await assert.rejects(list({ type: ['odd'] }), { message: "invalid filter: 'type'='odd'" });
  });
});

test('prune takes what nobody uses, and says so', async () => {
  const { deps, events } = fake();
  const filters = parseFilters(JSON.stringify({ 'label!': ['tier=db'] }));
  const pruning = pruneNetworks(deps, filters);
  await assert.rejects(pruneNetworks(deps, filters), { message: 'a prune operation is already running' });
  assert.deepEqual(await pruning, { NetworksDeleted: ['front', 'frontier'] });
  assert.deepEqual(events, ['destroy front', 'destroy frontier', 'prune 0']);
  assert.deepEqual(await pruneNetworks(deps, filters), { NetworksDeleted: null });
});

describe('create', () => {
  const request: NetworkCreateRequest = {
    Name: 'new',
    Driver: '',
    Scope: '',
    EnableIPv4: null,
    EnableIPv6: null,
    IPAM: null,
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigOnly: false,
    ConfigFrom: null,
    Options: {},
    Labels: {},
  };

  test('is a bridge unless told, and publishes an event', async () => {
    const { deps, events } = fake();
    await createNetwork(deps, request);
    assert.equal(deps.networking.network('new').driver, 'bridge');
    assert.deepEqual(events, ['create new']);
  });

  const refused: readonly [change: Partial<NetworkCreateRequest>, code: string, message: RegExp][] = [
    [{ Name: 'bridge' }, 'permission_denied', /^operation is not permitted on predefined bridge network$/],
    [{ Name: ' ' }, 'invalid_argument', /name is empty/],
    [{ Driver: 'host' }, 'permission_denied', /^only one instance of "host" network is allowed$/],
    [{ Scope: 'swarm' }, 'unavailable', /^This node is not a swarm manager/],
    [{ EnableIPv4: false }, 'invalid_argument', /IPv4 or IPv6 must be enabled/],
  ];
  for (const [change, code, message] of refused) {
    test(`refuses ${JSON.stringify(change)}`, async () => {
      await assert.rejects(createNetwork(fake().deps, { ...request, ...change }), { code, message });
    });
  }
});
