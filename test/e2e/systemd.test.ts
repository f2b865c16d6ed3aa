import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { repository, wharfOnly } from '../harness/target.ts';

let sandbox: Sandbox;

before(async () => {
  sandbox = await openSandbox();
});

after(() => sandbox.close());

describe('the units', () => {
  test('are right for systemd', wharfOnly(), async () => {
    const root = join(sandbox.directory, 'root');
    const units = join(root, 'etc/systemd/system');
    mkdirSync(units, { recursive: true });
    cpSync(join(repository, 'packaging/systemd'), units, { recursive: true });
    // What the units name and the distribution brings.
    for (const unit of ['network-online', 'nss-lookup', 'time-set', 'sysinit', 'basic', 'shutdown', 'sockets']) {
      writeFileSync(join(units, `${unit}.target`), `[Unit]\nDescription=${unit}\n`);
    }
    for (const slice of ['system', '-']) writeFileSync(join(units, `${slice}.slice`), '[Unit]\nDescription=slice\n');
    for (const program of ['usr/local/bin/wharfd', 'bin/kill']) {
      mkdirSync(join(root, program, '..'), { recursive: true });
      writeFileSync(join(root, program), '#!/bin/sh\n');
      chmodSync(join(root, program), 0o755);
    }
    for (const unit of ['wharf.service', 'wharf.socket']) {
      const verified = await sandbox.run(['systemd-analyze', 'verify', `--root=${root}`, '--man=no', unit]);
      assert.deepEqual(verified, { code: 0, stdout: '', stderr: '' });
    }
  });
});

/** Receives sd_notify's datagrams, and prints each as one line of JSON. */
const receive = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('"bound"', flush=True)
while True: print(json.dumps(receiver.recv(4096).decode()), flush=True)
`;

interface ServiceManager {
  readonly socket: string;
  /** The next state that the service tells. */
  next(): Promise<string>;
  close(): void;
}

async function serviceManager(): Promise<ServiceManager> {
  const socket = join(sandbox.directory, 'notify');
  const receiver = spawn('python3', ['-c', receive, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value!);
  assert.equal(await next(), 'bound');
  return { socket, next, close: () => receiver.kill('SIGKILL') };
}

/** Listens where systemd would, and becomes the daemon with those sockets from descriptor 3 on. */
const activate = `
import os, socket, sys
servers = [socket.socket(socket.AF_UNIX) for path in sys.argv[1].split(',')]
for number, path in enumerate(sys.argv[1].split(',')):
    servers[number].bind(path)
    servers[number].listen(16)
    os.dup2(servers[number].fileno(), 3 + number)
    os.set_inheritable(3 + number, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv[1].split(','))), LISTEN_FDNAMES='a:b')
os.execvp(sys.argv[2], sys.argv[2:])
`;

describe('as a service', () => {
  test('it tells when it is ready, reloads and stops, and that it lives', async () => {
    const manager = await serviceManager();
    const daemon = new Daemon(sandbox, {
      env: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '600000000' },
      flags: ['--config-file', join(sandbox.directory, 'daemon.json')],
    });
    writeFileSync(join(sandbox.directory, 'daemon.json'), '{}');
    await daemon.start();
    assert.equal(await manager.next(), 'READY=1');
    if (wharfOnly().skip === false) {
      assert.equal(await manager.next(), 'WATCHDOG=1');
      process.kill(daemon.pid, 'SIGHUP');
      assert.match(await manager.next(), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
      assert.equal(await manager.next(), 'READY=1');
    }
    await daemon.stop();
    assert.equal(await manager.next(), 'STOPPING=1');
    manager.close();
  });

  test('all sockets that it is passed are served, and no container sees them', async () => {
    const second = join(sandbox.directory, 'second.sock');
    const daemon = new Daemon(sandbox, {
      name: 'activated',
      host: 'fd://',
      startedBy: (socket) => ['python3', '-c', activate, `${socket},${second}`],
      env: { NOTIFY_SOCKET: '/nowhere' },
    });
    await daemon.start();
    await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
    const other = await daemon.docker(['-H', `unix://${second}`, 'version', '--format', '{{.Server.Os}}']);
    assert.equal(other.stdout, 'linux\n', other.stderr);
    const inside = await daemon.docker(['run', '--rm', 'busybox', 'sh', '-c', 'ls -l /proc/self/fd; env']);
    assert.equal(inside.code, 0, inside.stderr);
    assert.doesNotMatch(inside.stdout, /socket:|LISTEN_|NOTIFY_/);
    await removeEverything(daemon);
    await daemon.stop();
  });
});
