import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

/** Two machines with a network over both, and a third one that can send to the first but is no peer. */
let machines: Sandbox[] = [];
let daemons: Daemon[] = [];
const wanted = wharfOnly();

before(async () => {
  if (wanted.skip) return;
  machines = await Promise.all([openSandbox(), openSandbox(), openSandbox()]);
  await connect(0, 1, '192.168.78');
  await connect(0, 2, '192.168.79');
  daemons = [new Daemon(machines[0]!), new Daemon(machines[1]!)];
  await Promise.all(daemons.map(start));
});
after(async () => {
  await Promise.all(daemons.map(removeEverything));
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  await Promise.all(machines.map((machine) => machine.close()));
});

async function start(daemon: Daemon): Promise<void> {
  await daemon.start();
  await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
}

/** A cable between two machines, which are `.1` and `.2` of the subnet. */
async function connect(one: number, other: number, subnet: string): Promise<void> {
  const [first, second] = [machines[one]!, machines[other]!];
  const name = `to${other}`;
  await good(
    run(['ip', 'link', 'add', name, 'netns', `${first.pid}`, 'type', 'veth', 'peer', 'lan', 'netns', `${second.pid}`]),
  );
  for (const [machine, link, address] of [
    [first, name, 1],
    [second, 'lan', 2],
  ] as const) {
    await good(machine.run(['ip', 'addr', 'add', `${subnet}.${address}/24`, 'dev', link]));
    await good(machine.run(['ip', 'link', 'set', link, 'up']));
  }
}

async function good(result: Promise<{ code: number; stdout: string; stderr: string }>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The network's half on one machine: its containers' addresses are of a range of their own. */
function createHalf(daemon: Daemon, peer: string, range: string, name = 'span'): Promise<string> {
  const create = ['network', 'create', '-d', 'overlay', '--subnet', '10.40.0.0/24', '--ip-range', range];
  return good(daemon.docker([...create, '--opt', `peers=${peer}`, name]));
}

test('an overlay network between named peers', wanted, async () => {
  const [one, two] = daemons as [Daemon, Daemon];
  await createHalf(one, '192.168.78.2', '10.40.0.64/26');
  await createHalf(two, '192.168.78.1', '10.40.0.128/26');
  const serve = ['run', '-d', '--network', 'span', '--name', 'web', '-p', '8080:80', 'busybox'];
  await good(one.docker([...serve, 'nc', '-ll', '-p', '80', '-e', 'echo', 'from one']));
  const address = (
    await good(one.docker(['inspect', '-f', '{{.NetworkSettings.Networks.span.IPAddress}}', 'web']))
  ).trim();
  assert.match(address, /^10\.40\.0\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])$/);
  const ask = ['run', '--rm', '--network', 'span', 'busybox', 'sh', '-c'];
  assert.equal(await good(two.docker([...ask, `nc -w 5 ${address} 80`])), 'from one\n', 'across the tunnel');
  // The way out is by the own host, though both gateways have one address.
  assert.equal(await good(two.docker([...ask, 'nc -w 5 192.168.78.1 8080'])), 'from one\n', 'by the published port');
  assert.match(await good(two.docker([...ask, 'ip link show eth0'])), /mtu 1450/);
  const large = await good(two.docker([...ask, `ping -c 1 -W 5 -s 20000 ${address}`]));
  assert.match(large, /1 packets received/);

  await one.kill();
  await one.start();
  assert.equal(
    await good(two.docker([...ask, `nc -w 5 ${address} 80`])),
    'from one\n',
    'with a daemon that was killed',
  );
});

test('who is no peer cannot send into it', wanted, async () => {
  const [one] = daemons as [Daemon, Daemon];
  const stranger = machines[2]!;
  const address = (
    await good(one.docker(['inspect', '-f', '{{.NetworkSettings.Networks.span.IPAddress}}', 'web']))
  ).trim();
  await good(
    stranger.run([
      'ip',
      'link',
      'add',
      'vx',
      'type',
      'vxlan',
      'id',
      '4097',
      'dstport',
      '4789',
      'remote',
      '192.168.79.1',
    ]),
  );
  await good(stranger.run(['ip', 'addr', 'add', '10.40.0.250/24', 'dev', 'vx']));
  await good(stranger.run(['ip', 'link', 'set', 'vx', 'up']));
  // Its forwarding entry for a container it could only guess.
  const mac = (
    await good(one.docker(['inspect', '-f', '{{.NetworkSettings.Networks.span.MacAddress}}', 'web']))
  ).trim();
  await good(stranger.run(['ip', 'neigh', 'add', address, 'lladdr', mac, 'dev', 'vx']));
  // The echo requests that the container has got: Icmp's InEchos, proc_pid_net(5).
  const counter = ['exec', 'web', 'awk', '/^Icmp: [0-9]/ { print $10 }', '/proc/net/snmp'];
  const before = Number(await good(one.docker(counter)));
  await stranger.run(['busybox', 'ping', '-c', '3', '-i', '0.2', '-W', '1', address]);
  assert.equal(Number(await good(one.docker(counter))), before, 'a packet of a stranger has come in');
  // With our guard away the same packets do come in: it is what kept them out.
  const [table = ''] = /wharf-\w+/.exec(await good(machines[0]!.run(['nft', 'list', 'tables']))) ?? [];
  await good(machines[0]!.run(['nft', 'flush', 'chain', 'inet', table, 'from-peer4']));
  await stranger.run(['busybox', 'ping', '-c', '3', '-i', '0.2', '-W', '1', address]);
  assert.ok(Number(await good(one.docker(counter))) >= before + 3);
});

test('refusals', wanted, async () => {
  const [one] = daemons as [Daemon, Daemon];
  const create = (...args: string[]) => one.docker(['network', 'create', '-d', 'overlay', ...args, 'other']);
  assert.match((await create()).stderr, /This node is not a swarm manager/);
  assert.match((await create('--opt', 'peers=here')).stderr, /invalid peer address: here/);
  assert.match((await create('--opt', 'peers=10.0.0.1')).stderr, /VXLAN ID 4097 is already used by network span/);
});
