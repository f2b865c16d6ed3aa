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
    'iifname @bridges ip daddr 127.0.0.0/8 drop',
    'ct state established,related accept',
    'iifname . oifname @icc accept oifname @internal drop iifname @internal drop ct status dnat accept',
    'meta nfproto ipv4 oifname @open4 accept',
    'ip daddr . meta l4proto . th dport @routed4 accept',
    'meta l4proto ipv6-icmp oifname @pingable6 accept drop }',
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

test('a chain of others that drops what we forward is told of', () => {
  const warnings: unknown[] = [];
  const log = {
    ...silentLogger,
    warn: (_message: string, fields?: Record<string, unknown>) => void warnings.push(fields),
  };
  const watching = new Firewall('wharf-test', log);
  watching.addBridge(bridge('wharf0', '10.9.0.0/24'));
  watching.rewrite();
  watching.warnOfForwardPolicies();
  execFileSync('nft', [
    'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }',
  ]);
  watching.warnOfForwardPolicies();
  assert.deepEqual(warnings, [{ chain: 'ip filter FORWARD', bridges: 'wharf0' }]);
  watching.removeTable();
  watching.close();
});
