import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { type LinuxNetworking, openLinuxNetworking } from '../linux-networking.ts';
import { createMemoryStore } from '../memory-store.ts';
import type { Sandbox } from '../networking.ts';
import { enterTestHost } from '../test-host.ts';
import { ask, network, request, run, serve } from '../test-sandbox.ts';

let host: ReturnType<typeof enterTestHost>;
let networking: LinuxNetworking;
let victim: Sandbox;
let attacker: Sandbox;
let trusted: Sandbox;

before(async () => {
  host = enterTestHost();
  networking = openLinuxNetworking({ store: createMemoryStore(), log: silentLogger, execRoot: '/run/spoof' });
  await networking.reconcile(new Map());
  const ipam = { Driver: 'default', Options: null, Config: [{ Subnet: '10.50.0.0/24' }, { Subnet: 'fd50::/64' }] };
  await networking.createNetwork(network('net', { ipam, enableIPv6: true }));
  const open = (name: string, choosesAddresses = false) =>
    networking.openSandbox(request(name, { networkMode: 'net', choosesAddresses }));
  [victim, attacker, trusted] = [await open('victim'), await open('attacker'), await open('trusted', true)];
});
after(async () => {
  await networking.close();
  host.leave();
});

/** What the kernel of `sandbox` has counted. */
function counter(sandbox: Sandbox, name: string): number {
  const line = run(sandbox, 'sh', '-c', 'cat /proc/net/snmp /proc/net/snmp6');
  if (name.includes('6')) return Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(line)?.[1]);
  const [heads = '', values = ''] = line.split('\n').filter((text) => text.startsWith('Icmp: '));
  return Number(values.split(' ')[heads.split(' ').indexOf(name)]);
}

const addressOf = (sandbox: Sandbox) => sandbox.endpoints.net!.IPAddress;

/** Sends echo requests to `to` by an address that is not the sender's; nobody answers them to it. */
function pingAs(from: Sandbox, address: string, to: string): void {
  run(from, 'ip', 'addr', 'add', address, 'dev', 'eth0', ...(address.includes(':') ? ['nodad'] : []));
  const family = address.includes(':') ? ['-6'] : [];
  run(from, 'sh', '-c', `busybox ping ${family.join(' ')} -I ${address.split('/')[0]} -c 2 -i 0.2 -W 1 ${to} || true`);
  run(from, 'ip', 'addr', 'del', address, 'dev', 'eth0');
}

/** The MAC address at which `from` would send to `to` by IPv6; where it has none yet, it asks. */
function neighbour(from: Sandbox, to: Sandbox, { ask = true } = {}): string {
  const address = to.endpoints.net!.GlobalIPv6Address;
  if (ask) run(from, 'busybox', 'ping', '-6', '-c', '1', '-W', '2', address);
  return /lladdr (\S+)/.exec(run(from, 'ip', 'neigh', 'show', address))?.[1] ?? '';
}

/**
 * Sends a neighbour advertisement that gives `as`'s address the sender's MAC address, behind extension headers of
 * these numbers: 0 has options for each hop, 60 for the destination. RFC 4861, section 4.4; RFC 8200, section 4.
 */
function advertise(from: Sandbox, { as, to, headers }: { as: Sandbox; to: Sandbox; headers: number[] }): void {
  const mac = from.endpoints.net!.MacAddress.replaceAll(':', '');
  const script = `
import socket, sys
target, to, mac, headers = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), sys.argv[4]
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])
if '60' in headers.split(','): s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, padding)
if '0' in headers.split(','): s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, padding)
override = bytes([136, 0, 0, 0, 0x60, 0, 0, 0])
s.sendto(override + socket.inet_pton(socket.AF_INET6, target) + bytes([2, 1]) + mac, (to, 0))
`;
  const [target, receiver] = [as, to].map(({ endpoints }) => endpoints.net!.GlobalIPv6Address);
  run(from, 'python3', '-c', script, target!, receiver!, mac, headers.join());
}

describe('a container', () => {
  test('sends by its own address', async () => {
    await serve(victim, 80, 'hello');
    assert.equal(await ask(addressOf(victim), 80, attacker), 'hello');
  });

  test('and its neighbour need no entries in the table of connections', async () => {
    const count = () => Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));
    const before = count();
    for (let round = 0; round < 20; round++) assert.equal(await ask(addressOf(victim), 80, attacker), 'hello');
    assert.ok(count() < before + 20, `${before} became ${count()}`);
  });

  test('cannot send by another one, of IPv4 or IPv6', () => {
    const target = addressOf(victim);
    const before = counter(victim, 'InEchos');
    run(attacker, 'busybox', 'ping', '-c', '1', '-W', '2', target);
    assert.equal(counter(victim, 'InEchos'), before + 1);
    pingAs(attacker, '10.50.0.200/24', target);
    assert.equal(counter(victim, 'InEchos'), before + 1);
    const before6 = counter(victim, 'Icmp6InEchos');
    pingAs(attacker, 'fd50::200/64', victim.endpoints.net!.GlobalIPv6Address);
    assert.equal(counter(victim, 'Icmp6InEchos'), before6);
  });

  test('cannot take over a neighbour’s address by ARP', () => {
    run(trusted, 'busybox', 'ping', '-c', '1', '-W', '2', addressOf(victim));
    const before = run(trusted, 'ip', 'neigh', 'show', addressOf(victim));
    run(attacker, 'ip', 'addr', 'add', `${addressOf(victim)}/24`, 'dev', 'eth0');
    run(
      attacker,
      'sh',
      '-c',
      `busybox arping -U -c 2 -w 2 -I eth0 -s ${addressOf(victim)} ${addressOf(victim)} || true`,
    );
    run(attacker, 'ip', 'addr', 'del', `${addressOf(victim)}/24`, 'dev', 'eth0');
    const mac = victim.endpoints.net!.MacAddress;
    assert.match(before, new RegExp(mac));
    assert.match(run(trusted, 'ip', 'neigh', 'show', addressOf(victim)), new RegExp(mac));
  });

  test('cannot take over a neighbour’s address by neighbour discovery, whatever headers are before it', () => {
    for (const headers of [[], [60], [0], [0, 60]]) {
      const known = neighbour(trusted, victim);
      advertise(attacker, { as: victim, to: trusted, headers });
      assert.equal(neighbour(trusted, victim), known, `behind ${headers}`);
      // The same packet does it where nobody is guarded.
      neighbour(attacker, victim);
      advertise(trusted, { as: victim, to: attacker, headers });
      assert.equal(neighbour(attacker, victim, { ask: false }), trusted.endpoints.net!.MacAddress, `behind ${headers}`);
      run(attacker, 'ip', 'neigh', 'flush', 'dev', 'eth0');
    }
  });

  test('cannot use another MAC address', () => {
    const before = counter(victim, 'InEchos');
    const own = attacker.endpoints.net!.MacAddress;
    run(attacker, 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:99');
    run(attacker, 'sh', '-c', `busybox ping -c 2 -i 0.2 -W 1 ${addressOf(victim)} || true`);
    run(attacker, 'ip', 'link', 'set', 'eth0', 'address', own);
    assert.equal(counter(victim, 'InEchos'), before);
  });

  test('that may administer its network may have further addresses', () => {
    const before = counter(victim, 'InEchos');
    pingAs(trusted, '10.50.0.201/24', addressOf(victim));
    assert.ok(counter(victim, 'InEchos') > before);
  });
});

test('the table goes with the networks, and its elements with the containers', async () => {
  const listed = () => execFileSync('nft', ['list', 'ruleset', 'bridge'], { encoding: 'utf8' });
  assert.match(listed(), new RegExp(`"veth\\w+" \\. [0-9a-f:]+ \\. ${addressOf(victim).replaceAll('.', '\\.')}`));
  await networking.closeSandbox(victim.containerId);
  assert.doesNotMatch(listed(), new RegExp(addressOf(victim).replaceAll('.', '\\.')));
});
