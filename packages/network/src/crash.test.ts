import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { type LinuxNetworking, openLinuxNetworking } from './linux-networking.ts';
import { createMemoryStore, type StoreDump } from './memory-store.ts';
import type { Sandbox } from './networking.ts';
import { enterTestHost } from './test-host.ts';
import { ask, lookup, openPublished, refuses, request, run } from './test-sandbox.ts';

let host: ReturnType<typeof enterTestHost>;
let networking: LinuxNetworking;
let pids = new Map<string, number>();
let daemon: ChildProcess;

/** Starts a daemon, and kills it when its containers run. */
before(async () => {
  host = enterTestHost();
  daemon = spawn(process.execPath, [join(import.meta.dirname, 'crash-daemon.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of daemon.stdout ?? []) {
    output += chunk;
    if (output.endsWith('\n')) break;
  }
  const told: { store: StoreDump; pids: [string, number][] } = JSON.parse(output);
  pids = new Map(told.pids);
  // The processes of the containers are in their namespaces once nsenter has become busybox.
  for (const pid of pids.values()) {
    const home = readlinkSync('/proc/thread-self/ns/net');
    while (readlinkSync(`/proc/${pid}/ns/net`) === home) await new Promise(setImmediate);
  }
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  const store = createMemoryStore(told.store);
  networking = openLinuxNetworking({ store, log: silentLogger, execRoot: '/run/crash' });
});
after(async () => {
  daemon.kill('SIGKILL');
  for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
  await networking.close();
  host.leave();
});

const sandboxOf = (name: string): Sandbox => {
  const sandbox = networking.sandbox(request(name).containerId);
  assert.ok(sandbox);
  return sandbox;
};

async function answersEverywhere(): Promise<void> {
  const [web, peer] = [sandboxOf('web'), sandboxOf('peer')];
  assert.equal(await ask('127.0.0.1', 8400), 'alive\n');
  assert.equal(await ask(web.endpoints.front!.IPAddress, 80, peer), 'alive\n');
  assert.equal(await lookup(peer, 'web'), web.endpoints.front!.IPAddress);
}

test('published ports answer while the daemon is down', async () => {
  assert.equal(await ask('127.0.0.1', 8400), 'alive\n');
});

test('a new daemon takes over addresses, ports and names', async () => {
  await networking.reconcile(pids);
  await answersEverywhere();
  const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8400' }] };
  await assert.rejects(openPublished(networking, request('thief', { portBindings })), /already allocated/);
  const next = await openPublished(networking, request('next', { networkMode: 'front' }));
  const taken = [sandboxOf('web'), sandboxOf('peer')].map(({ endpoints }) => endpoints.front!.IPAddress);
  assert.ok(!taken.includes(next.endpoints.front!.IPAddress));
  await networking.closeSandbox(next.containerId);
});

test('bridges and packet rules that others removed come back', async () => {
  execFileSync('nft', ['flush', 'ruleset']);
  await networking.repair();
  await answersEverywhere();
  const { id } = networking.network('front');
  execFileSync('busybox', ['ip', 'link', 'delete', `br-${id.slice(0, 12)}`]);
  await networking.repair();
  await answersEverywhere();
});

test('interfaces that others removed come back', async () => {
  run(sandboxOf('web'), 'busybox', 'ip', 'link', 'delete', 'eth0');
  await networking.repair();
  await answersEverywhere();
});

test('a container that is gone at the restart keeps nothing', async () => {
  const { containerId, endpoints } = sandboxOf('web');
  await networking.closeSandbox(containerId);
  assert.equal(networking.endpointsOf(endpoints.front!.NetworkID).length, 1);
  await refuses('127.0.0.1', 8400);
});
