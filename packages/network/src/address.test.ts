import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressBytes,
  addressFromBytes,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from './address.ts';

const addresses: readonly [text: string, canonical: string | undefined][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['fd00:0:0:1:0:0:0:2', 'fd00:0:0:1::2'],
  ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['64:ff9b::10.1.2.3', '64:ff9b::a01:203'],
  ['10.0.0', undefined],
  ['10.0.0.256', undefined],
  ['010.0.0.1', undefined],
  ['fe80::1%eth0', undefined],
  ['', undefined],
];

for (const [text, canonical] of addresses) {
  test(`'${text}' is ${canonical ?? 'no address'}`, () => {
    const address = parseAddress(text);
    assert.equal(address && formatAddress(address), canonical);
    if (address) assert.deepEqual(addressFromBytes(addressBytes(address)), address);
  });
}

test('a prefix loses its host bits and knows its addresses', () => {
  const prefix = parsePrefix('10.1.2.3/23')!;
  assert.equal(formatPrefix(prefix), '10.1.2.0/23');
  assert.equal(prefixContains(prefix, parseAddress('10.1.3.255')!), true);
  assert.equal(prefixContains(prefix, parseAddress('10.1.4.0')!), false);
  assert.equal(prefixesOverlap(prefix, parsePrefix('10.0.0.0/8')!), true);
  assert.equal(prefixesOverlap(prefix, parsePrefix('10.1.4.0/24')!), false);
  assert.equal(parsePrefix('10.0.0.0/33'), undefined);
  assert.equal(parsePrefix('10.0.0.0'), undefined);
});
