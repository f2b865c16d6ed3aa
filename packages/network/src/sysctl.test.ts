import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkSysctlPath, parseInterfaceSysctls } from './sysctl.ts';

const paths: readonly [name: string, path: string | undefined][] = [
  ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
  ['net.ipv4.conf.eth0/10.forwarding', 'net/ipv4/conf/eth0.10/forwarding'],
  ['kernel.core_pattern', undefined],
  ['net', undefined],
  ['net.//.kernel.core_pattern', undefined],
  ['net.ipv4./.x', undefined],
  ['net..x', undefined],
  ['net.ipv4.a b', undefined],
];
for (const [name, path] of paths) {
  test(`${name} is ${path ?? 'refused'}`, () => {
    if (path === undefined) assert.throws(() => networkSysctlPath(name), { code: 'invalid_argument' });
    else assert.equal(networkSysctlPath(name), path);
  });
}

test('settings of an interface are of an interface', () => {
  assert.deepEqual(
    parseInterfaceSysctls('net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.IFNAME.retrans_time_ms=5'),
    [
      { name: 'net.ipv4.conf.IFNAME.log_martians', value: '1' },
      { name: 'net.ipv6.neigh.IFNAME.retrans_time_ms', value: '5' },
    ],
  );
  assert.deepEqual(parseInterfaceSysctls(''), []);
  for (const text of ['kernel.core_pattern=x', 'net.ipv4.conf.eth0.x=1', 'net.ipv4.conf.IFNAME.//.x=1', 'x']) {
    assert.throws(() => parseInterfaceSysctls(text), { code: 'invalid_argument' }, text);
  }
});
