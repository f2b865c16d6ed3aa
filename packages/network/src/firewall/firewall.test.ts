import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { parseAddress, parsePrefix } from '../address.ts';
import { enterTestHost } from '../test-host.ts';
import { Firewall } from './firewall.ts';
import type { FirewallBridge, FirewallPort } from './ruleset.ts';

let host: ReturnType<typeof enterTestHost>;
let firewall: Firewall;

before(() => {
  host = enterTestHost();
  firewall = new Firewall('wharf-test', silentLogger);
  firewall.rewrite();
});
after(() => {
  firewall.close();
  host.leave();
});

const listed = () => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).replace(/\s+/g, ' ').trim();

function bridge(name: string, subnet: string, rest: Partial<FirewallBridge> = {}): FirewallBridge {
  return {
    name,
    subnets: [parsePrefix(subnet)!],
    internal: false,
    icc: true,
    masquerade: true,
    modes: { 4: 'nat', 6: 'nat' },
    sources: [],
    trusted: [],
    ...rest,
  };
}

const port: FirewallPort = {
  transport: 'tcp',
  hostPort: 8080,
  target: parseAddress('10.9.0.2')!,
  targetPort: 80,
};
const boundPort: FirewallPort = { ...port, hostAddress: parseAddress('127.0.0.1')!, hostPort: 8081 };
const port6: FirewallPort = { ...port, transport: 'udp', target: parseAddress('fd00::2')! };
const boundPort6: FirewallPort = { ...port6, hostAddress: parseAddress('fd00:9::1')!, hostPort: 8082 };

const admitted = 'meta mark set meta mark | 0x00400000 accept';

test('the table reads as it was meant', () => {
  firewall.addBridge(bridge('wharf0', '10.9.0.0/24'));
  firewall.addBridge(bridge('br-internal', '10.9.1.0/24', { internal: true, icc: false }));
  firewall.addPorts([port, boundPort, port6, boundPort6]);
  const text = listed();
  for (const part of [
    'elements = { tcp . 8080 : 10.9.0.2 . 80 }',
    'elements = { 127.0.0.1 . tcp . 8081 : 10.9.0.2 . 80 }',
    'elements = { udp . 8080 : fd00::2 . 80 }',
    'elements = { fd00:9::1 . udp . 8082 : fd00::2 . 80 }',
    'set icc { type ifname . ifname elements = { "wharf0" . "wharf0" } }',
    'set internal { type ifname elements = { "br-internal" } }',
    'set masquerade4 { type ipv4_addr flags interval elements = { 10.9.0.0/24 } }',
    'elements = { 10.9.0.0/24, 10.9.1.0/24, 127.0.0.0/8 }',
    'fib daddr type local jump publish',
    'dnat ip to ip daddr . meta l4proto . th dport map @bound4',
    'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4',
    'dnat ip6 to ip6 daddr . meta l4proto . th dport map @bound6',
    'meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports6',
    'ip daddr 127.0.0.0/8 iifname @bridges drop',
    'chain to-bridge { oifname @internal drop iifname @internal drop ct status dnat jump admit',
    `ct state established,related oifname @bridges ${admitted} ct state established,related iifname @bridges ${admitted}`,
    `iifname . oifname @icc ${admitted} oifname @bridges jump to-bridge iifname @internal drop iifname @bridges jump admit`,
    'meta nfproto ipv4 oifname @open4 jump admit',
    'ip daddr . meta l4proto . th dport @routed4 jump admit',
    'meta l4proto ipv6-icmp oifname @pingable6 jump admit drop }',
    'oifname != @bridges snat ip to ip saddr map @source4',
    'oifname @bridges ct status dnat ip saddr @hairpin4 masquerade',
    'oifname != @bridges ip saddr @masquerade4 masquerade',
  ])
    assert.ok(text.includes(part), `missing ${part} in ${text}`);
});

test('what was added can be taken away again', () => {
  firewall.removePorts([port, boundPort]);
  firewall.removeBridge('br-internal');
  const text = listed();
  for (const part of ['8081', 'tcp . 8080', 'br-internal', '10.9.1.0/24']) assert.ok(!text.includes(part), part);
});

test('a change after a flush brings the whole table back', () => {
  execFileSync('nft', ['flush', 'ruleset']);
  assert.equal(firewall.isWhole(), false);
  firewall.addPorts([boundPort]);
  const text = listed();
  for (const part of ['8081', 'udp . 8080', 'wharf0']) assert.ok(text.includes(part), part);
  firewall.removeTable();
  assert.equal(listed(), '');
  firewall.removeTable();
});

test('chains of others that drop by policy let pass what we admit, also when they are loaded again', () => {
  const comment = 'meta mark & 0x00400000 != 0x00000000 accept comment "wharf-test"';
  const load = () =>
    execFileSync('nft', [
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }',
    ]);
  const watching = new Firewall('wharf-test', silentLogger);
  load();
  watching.addBridge(bridge('wharf0', '10.9.0.0/24'));
  watching.rewrite();
  const chain = () => execFileSync('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD'], { encoding: 'utf8' });
  assert.ok(chain().includes(comment), chain());
  assert.ok(watching.isWhole());
  execFileSync('nft', ['delete', 'table', 'ip', 'filter']);
  load();
  assert.equal(watching.isWhole(), false);
  watching.rewrite();
  watching.rewrite();
  assert.equal(chain().split(comment).length, 2, 'once');
  watching.removeTable();
  assert.ok(!chain().includes('wharf'), chain());
  watching.close();
});

test('chains of others whose last rule drops all let pass what we admit, and no other chains are touched', () => {
  const chains = [
    ['rejecting', 'ct state established accept; counter reject with icmpx admin-prohibited', true],
    ['logging', 'log prefix "lost" drop', true],
    ['choosing', 'drop; iifname "eth0" drop', false],
    ['matching', 'ip saddr 10.0.0.1 drop', false],
    ['accepting', 'accept', false],
    ['empty', '', false],
  ] as const;
  execFileSync('nft', ['flush', 'ruleset']);
  for (const [name, rules] of chains) {
    const lines = rules.split('; ').map((rule) => `add rule inet other ${name} ${rule}`);
    const hook = `add chain inet other ${name} { type filter hook forward priority 10; }`;
    execFileSync('nft', [['add table inet other', hook, ...(rules ? lines : [])].join('\n')]);
  }
  execFileSync('iptables-nft', ['-A', 'FORWARD', '-j', 'REJECT', '--reject-with', 'icmp-host-prohibited']);
  const watching = new Firewall('wharf-test', silentLogger);
  watching.addBridge(bridge('wharf0', '10.9.0.0/24'));
  watching.rewrite();
  const admits = (...chain: string[]) =>
    execFileSync('nft', ['list', 'chain', ...chain], { encoding: 'utf8' }).includes('comment "wharf-test"');
  for (const [name, , wanted] of chains) assert.equal(admits('inet', 'other', name), wanted, name);
  assert.ok(admits('ip', 'filter', 'FORWARD'));
  assert.ok(watching.isWhole());
  watching.removeTable();
  for (const [name] of chains) assert.ok(!admits('inet', 'other', name), name);
  watching.close();
});

test('iptables still reads its own table with our rule in it', () => {
  const iptables = (...args: string[]) => execFileSync('iptables-nft', args, { encoding: 'utf8' });
  execFileSync('nft', ['flush', 'ruleset']);
  iptables('-P', 'FORWARD', 'DROP');
  const watching = new Firewall('wharf-test', silentLogger);
  watching.addBridge(bridge('wharf0', '10.9.0.0/24'));
  watching.rewrite();
  assert.match(
    iptables('-S', 'FORWARD'),
    /-P FORWARD DROP\n-A FORWARD -m mark ! --mark 0x0\/0x400000 -m comment --comment wharf-test -j ACCEPT/,
  );
  iptables('-A', 'FORWARD', '-i', 'other0', '-j', 'ACCEPT');
  assert.match(iptables('-S', 'FORWARD'), /other0/);
  watching.removeTable();
  assert.doesNotMatch(iptables('-S', 'FORWARD'), /mark/);
  watching.close();
});
