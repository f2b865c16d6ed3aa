import { spawn } from 'node:child_process';
import { silentLogger } from '@wharf/base/logger';
import { openLinuxNetworking } from './linux-networking.ts';
import { createMemoryStore } from './memory-store.ts';
import { network, openPublished, request } from './test-sandbox.ts';

/**
 * A daemon for crash.test.ts to kill: opens two containers on a network, each with a process of its own, tells
 * what it knows as one line of JSON, and waits.
 */
const store = createMemoryStore();
const networking = openLinuxNetworking({ store, log: silentLogger, execRoot: '/run/crash' });
await networking.reconcile(new Map());
await networking.createNetwork(network('front'));
const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8400' }] };
const pids: [id: string, pid: number][] = [];
for (const each of [
  request('web', { networkMode: 'front', portBindings }),
  request('peer', { networkMode: 'front' }),
]) {
  const { namespace } = await openPublished(networking, each);
  if (namespace.kind !== 'path') throw new Error('a bridge sandbox has a path');
  const child = spawn(
    'nsenter',
    [`--net=${namespace.path}`, 'busybox', 'nc', '-ll', '-p', '80', '-e', 'echo', 'alive'],
    {
      stdio: 'ignore',
      detached: true,
    },
  );
  if (child.pid === undefined) throw new Error('nsenter did not start');
  pids.push([each.containerId, child.pid]);
}
process.stdout.write(`${JSON.stringify({ store: store.dump(), pids })}\n`);
setInterval(() => {}, 60_000);
