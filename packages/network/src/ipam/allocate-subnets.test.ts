import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IPAMConfig } from '@wharf/api/network';
import { parsePrefix } from '../address.ts';
import { allocateSubnets } from './allocate-subnets.ts';
import { defaultRegions } from './default-pools.ts';

function allocate(
  config: IPAMConfig[],
  { ipv4 = true, ipv6 = false, networks = [] as string[], routes = [] as string[] } = {},
) {
  return allocateSubnets({
    ipam: { Driver: 'default', Options: null, Config: config },
    enableIPv4: ipv4,
    enableIPv6: ipv6,
    regions: defaultRegions,
    networks: networks.map((text) => parsePrefix(text)!),
    routes: routes.map((text) => parsePrefix(text)!),
  });
}

describe('allocateSubnets', () => {
  test('chooses a pool that neither networks nor routes have', () => {
    const { config, userSubnet } = allocate([], { networks: ['172.18.0.0/24'], routes: ['172.18.1.0/24'] });
    assert.deepEqual(config, [{ Subnet: '172.18.2.0/24', Gateway: '172.18.2.1' }]);
    assert.equal(userSubnet, false);
  });

  test('keeps what the user chose, also over a route of the host', () => {
    const wanted = { Subnet: '10.5.0.0/16', IPRange: '10.5.4.0/24', AuxiliaryAddresses: { router: '10.5.4.0' } };
    const { config, userSubnet } = allocate([wanted], { routes: ['10.5.0.0/16'] });
    assert.deepEqual(config, [{ ...wanted, Gateway: '10.5.4.1' }]);
    assert.equal(userSubnet, true);
  });

  test('adds a private IPv6 subnet on request', () => {
    const { config } = allocate([{ Subnet: '10.5.0.0/24', Gateway: '10.5.0.254' }], { ipv6: true });
    assert.equal(config[0]?.Gateway, '10.5.0.254');
    assert.match(config[1]?.Subnet ?? '', /^fd[0-9a-f:]+::\/64$/);
  });

  const refused: readonly [what: string, config: IPAMConfig, message: RegExp][] = [
    ['no CIDR', { Subnet: '10.0.0.0' }, /invalid subnet 10\.0\.0\.0: invalid CIDR address/],
    ['host bits', { Subnet: '10.0.0.1/8' }, /invalid subnet 10\.0\.0\.1\/8: it should be 10\.0\.0\.0\/8/],
    ['an overlap', { Subnet: '172.17.4.0/24' }, /Pool overlaps with other one on this address space/],
    ['a gateway elsewhere', { Subnet: '10.0.0.0/8', Gateway: '11.0.0.1' }, /invalid gateway 11\.0\.0\.1/],
    ['a range elsewhere', { Subnet: '10.0.0.0/24', IPRange: '10.0.1.0/25' }, /invalid ip-range/],
    ['a range alone', { IPRange: '10.0.1.0/25' }, /ip-range specified without a subnet/],
    ['an auxiliary address elsewhere', { Subnet: '10.0.0.0/24', AuxiliaryAddresses: { a: '10.1.0.1' } }, /auxiliary/],
    ['no room', { Subnet: '10.0.0.1/32' }, /no address for a container/],
  ];
  for (const [what, config, message] of refused) {
    test(`refuses ${what}`, () => assert.throws(() => allocate([config], { networks: ['172.17.0.0/16'] }), message));
  }

  test('says when the pools are used up', () => {
    assert.throws(() => allocate([], { routes: ['172.16.0.0/12', '192.168.0.0/16', '10.0.0.0/8'] }), {
      message: 'all predefined address pools have been fully subnetted',
    });
  });
});
