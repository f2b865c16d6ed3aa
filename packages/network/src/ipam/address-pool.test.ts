import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Address, formatAddress, parseAddress, parsePrefix } from '../address.ts';
import { AddressPool, type AllocateFailure } from './address-pool.ts';

const subnet = parsePrefix('10.5.0.0/29')!;
const gateway = parseAddress('10.5.0.1')!;

function text(result: Address | AllocateFailure): string {
  return typeof result === 'string' ? result : formatAddress(result);
}

describe('AddressPool', () => {
  test('gives addresses in order, never the network, the gateway or the broadcast address', () => {
    const pool = new AddressPool({ subnet, reserved: [gateway] });
    const given = Array.from({ length: 6 }, () => text(pool.allocate()));
    assert.deepEqual(given, ['10.5.0.2', '10.5.0.3', '10.5.0.4', '10.5.0.5', '10.5.0.6', 'exhausted']);
  });

  test('gives a released address last', () => {
    const pool = new AddressPool({ subnet, reserved: [gateway] });
    const first = pool.allocate() as Address;
    pool.release(first);
    const given = Array.from({ length: 5 }, () => text(pool.allocate()));
    assert.deepEqual(given, ['10.5.0.3', '10.5.0.4', '10.5.0.5', '10.5.0.6', '10.5.0.2']);
  });

  test('gives an address once, and static ones only inside the subnet', () => {
    const pool = new AddressPool({ subnet, reserved: [gateway] });
    assert.deepEqual(pool.use, { inUse: 3, available: 5 });
    const wanted = parseAddress('10.5.0.4')!;
    assert.equal(text(pool.allocateExactly(wanted)), '10.5.0.4');
    assert.equal(pool.allocateExactly(wanted), 'in_use');
    assert.equal(pool.allocateExactly(gateway), 'in_use');
    assert.equal(pool.allocateExactly(parseAddress('10.5.0.9')!), 'out_of_subnet');
    assert.equal(text(pool.allocate()), '10.5.0.2');
    assert.equal(text(pool.allocate()), '10.5.0.3');
    assert.equal(text(pool.allocate()), '10.5.0.5');
  });

  test('takes from the range, and both addresses of a /31', () => {
    const ranged = new AddressPool({
      subnet: parsePrefix('10.5.0.0/24')!,
      range: parsePrefix('10.5.0.128/30')!,
      reserved: [],
    });
    assert.equal(text(ranged.allocate()), '10.5.0.128');
    const pair = new AddressPool({ subnet: parsePrefix('10.5.0.0/31')!, reserved: [parseAddress('10.5.0.0')!] });
    assert.equal(text(pair.allocate()), '10.5.0.1');
    assert.equal(text(pair.allocate()), 'exhausted');
  });

  test('searches a /64 without walking it', () => {
    const pool = new AddressPool({ subnet: parsePrefix('fd00:1::/64')!, reserved: [parseAddress('fd00:1::1')!] });
    assert.equal(text(pool.allocate()), 'fd00:1::2');
  });
});
