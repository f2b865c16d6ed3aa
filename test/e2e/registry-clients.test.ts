import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import type { RunResult } from '../harness/run.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { repository } from '../harness/target.ts';

/** The clients that people have, each against a registry with users and TLS. */

const host = '127.0.0.1:5443';
const password = 'correct horse';
let sandbox: Sandbox;
const ends: Promise<unknown>[] = [];

function registryCommand(...args: string[]): string[] {
  return [process.execPath, join(repository, 'apps/registry/src/main.ts'), ...args];
}

async function inside(argv: readonly string[], stdin?: string): Promise<RunResult> {
  const result = await sandbox.run(argv, { timeout: 60_000, ...(stdin !== undefined && { stdin }) });
  assert.equal(result.code, 0, `${argv.join(' ')}: ${result.stderr}${result.stdout}`);
  return result;
}

function start(argv: readonly string[]): ChildProcess {
  const [command = '', ...args] = sandbox.enter(argv);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  ends.push(new Promise((resolve) => child.once('exit', resolve)));
  return child;
}

function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes(text)) resolve();
    });
    child.once('exit', () => reject(new Error(log)));
  });
}

function path(name: string): string {
  return join(sandbox.directory, name);
}

before(async () => {
  sandbox = await openSandbox(['/var/lib/containers', '/etc/docker', '/etc/containers/certs.d']);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('key.pem')];
  await inside(['openssl', 'req', '-x509', ...key, '-out', path('cert.pem'), '-days', '2', ...subject]);
  for (const directory of ['/etc/docker/certs.d', '/etc/containers/certs.d']) {
    await inside(['mkdir', '-p', `${directory}/${host}`]);
    await inside(['cp', path('cert.pem'), `${directory}/${host}/ca.crt`]);
  }
  writeFileSync(path('busybox.tar'), busyboxImage());
  const users = ['--users', path('users')];
  await inside(registryCommand('user', 'add', 'alice', '--password-stdin', ...users), password);
  const tls = ['--tls-cert', path('cert.pem'), '--tls-key', path('key.pem')];
  const where = ['--root', path('registry'), '--listen', host];
  await said(start(registryCommand('serve', ...where, ...users, ...tls)), 'listens on');
});

after(async () => {
  await sandbox.close();
  await Promise.all(ends);
});

test('skopeo: login, copy there and back, inspect, list-tags, delete', async () => {
  const auth = ['--authfile', path('skopeo.json')];
  const denied = await sandbox.run(['skopeo', 'inspect', `docker://${host}/skopeo/app:v1`]);
  assert.match(denied.stderr, /authentication required|unauthorized/);
  const wrong = await sandbox.run(['skopeo', 'login', ...auth, '-u', 'alice', '-p', 'wrong', host]);
  assert.notEqual(wrong.code, 0);
  await inside(['skopeo', 'login', ...auth, '-u', 'alice', '--password-stdin', host], password);
  await inside(['skopeo', 'copy', ...auth, `docker-archive:${path('busybox.tar')}`, `docker://${host}/skopeo/app:v1`]);
  await inside(['skopeo', 'copy', ...auth, `docker://${host}/skopeo/app:v1`, `docker://${host}/skopeo/other:v1`]);
  const { stdout } = await inside(['skopeo', 'list-tags', ...auth, `docker://${host}/skopeo/other`]);
  assert.deepEqual(JSON.parse(stdout).Tags, ['v1']);
  await inside(['skopeo', 'copy', ...auth, `docker://${host}/skopeo/app:v1`, `dir:${path('skopeo')}`]);
  await inside(['skopeo', 'delete', ...auth, `docker://${host}/skopeo/other:v1`]);
  const gone = await sandbox.run(['skopeo', 'inspect', ...auth, `docker://${host}/skopeo/other:v1`]);
  assert.match(gone.stderr, /manifest unknown/);
});

test('podman: load, login, push, pull', async () => {
  const podman = ['podman', '--storage-driver', 'vfs', '--root', path('podman'), '--runroot', path('podman-run')];
  const auth = ['--authfile', path('podman.json')];
  await inside([...podman, 'load', '-i', path('busybox.tar')]);
  await inside([...podman, 'login', ...auth, '-u', 'alice', '--password-stdin', host], password);
  await inside([...podman, 'push', ...auth, 'localhost/busybox:latest', `${host}/podman/app:v1`]);
  await inside([...podman, 'rmi', '-af']);
  await inside([...podman, 'pull', ...auth, `${host}/podman/app:v1`]);
  const { stdout } = await inside([...podman, 'images', '--format', '{{.Repository}}:{{.Tag}}']);
  assert.equal(stdout.trim(), `${host}/podman/app:v1`);
});

test('buildah: from scratch, commit, push, pull', async () => {
  const buildah = ['buildah', '--storage-driver', 'vfs', '--root', path('buildah'), '--runroot', path('buildah-run')];
  const auth = ['--authfile', path('buildah.json')];
  await inside([...buildah, 'login', ...auth, '-u', 'alice', '--password-stdin', host], password);
  const container = (await inside([...buildah, 'from', 'scratch'])).stdout.trim();
  await inside([...buildah, 'config', '--label', 'made=here', container]);
  await inside([...buildah, 'commit', container, 'made']);
  await inside([...buildah, 'push', ...auth, 'made', `docker://${host}/buildah/made:v1`]);
  await inside([...buildah, 'rmi', '-af']).catch(() => {});
  await inside([...buildah, 'pull', ...auth, `docker://${host}/buildah/made:v1`]);
});

test('docker: login, push, pull, and a push by somebody who may not', async () => {
  const socket = path('docker.sock');
  const roots = ['--data-root', path('docker'), '--exec-root', path('docker-run'), '--pidfile', path('docker.pid')];
  mkdirSync(path('docker-client'));
  const bare = ['--bridge=none', '--iptables=false', '--storage-driver', 'vfs'];
  await said(start(['dockerd', '-H', `unix://${socket}`, ...roots, ...bare]), 'API listen on');
  const docker = ['docker', '--config', path('docker-client'), '-H', `unix://${socket}`];
  await inside([...docker, 'load', '-i', path('busybox.tar')]);
  await inside([...docker, 'tag', 'busybox', `${host}/docker/app:v1`]);
  const denied = await sandbox.run([...docker, 'push', `${host}/docker/app:v1`]);
  assert.match(denied.stderr + denied.stdout, /no basic auth credentials|authentication required|denied/);
  const wrong = await sandbox.run([...docker, 'login', '-u', 'alice', '--password-stdin', host], { stdin: 'wrong' });
  assert.equal(wrong.code, 1);
  // Of a registry on loopback, dockerd from 25 on tells the outcome of its second attempt, without TLS.
  assert.match(wrong.stderr, /incorrect username or password|unauthorized|\/v2\/": EOF/);
  await inside([...docker, 'login', '-u', 'alice', '--password-stdin', host], password);
  await inside([...docker, 'push', `${host}/docker/app:v1`]);
  await inside([...docker, 'push', `${host}/docker/app:v1`]);
  await inside([...docker, 'rmi', '-f', 'busybox', `${host}/docker/app:v1`]);
  await inside([...docker, 'pull', `${host}/docker/app:v1`]);
  const { stdout } = await inside([...docker, 'manifest', 'inspect', '--insecure', `${host}/docker/app:v1`]);
  assert.equal(JSON.parse(stdout).schemaVersion, 2);
});

test('nothing secret is in what the registry keeps', async () => {
  const found = await sandbox.run(['grep', '-rl', password, path('registry'), path('users')]);
  assert.equal(found.stdout, '');
});
