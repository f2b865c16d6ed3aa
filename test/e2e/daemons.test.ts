import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon, type DaemonOptions } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

const opened: Sandbox[] = [];
after(async () => {
  await Promise.all(opened.map((sandbox) => sandbox.close()));
});

async function sandboxed(): Promise<Sandbox> {
  const sandbox = await openSandbox();
  opened.push(sandbox);
  return sandbox;
}

async function running(sandbox: Sandbox, options: DaemonOptions = {}): Promise<Daemon> {
  const daemon = new Daemon(sandbox, options);
  await daemon.start();
  await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
  return daemon;
}

/** The certificates of an authority, a server and a client, made by openssl. */
async function makeCertificates(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const openssl = async (...args: string[]) => {
    const out = await run(['sh', '-c', `cd ${directory} && openssl ${args.join(' ')}`]);
    assert.equal(out.code, 0, out.stderr);
  };
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  await openssl(`req -x509 ${key} -keyout ca-key.pem -out ca.pem -days 2 -subj /CN=test-authority`);
  writeFileSync(join(directory, 'server.ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  writeFileSync(join(directory, 'client.ext'), 'extendedKeyUsage=clientAuth\n');
  for (const [name, file] of [
    ['server', 'server-cert'],
    ['client', 'cert'],
  ] as const) {
    await openssl(`req ${key} -keyout ${name}-key.pem -out ${name}.csr -subj /CN=${name}`);
    await openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile ${name}.ext -out ${file}.pem`,
    );
  }
  await run(['cp', join(directory, 'client-key.pem'), join(directory, 'key.pem')]);
}

test('a daemon that ends leaves nothing while the containers of one that was killed go on', wharfOnly(), async () => {
  const killed = await running(await sandboxed());
  const create = { Image: 'busybox', Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' };
  const { json } = await killed.api('POST', '/containers/create', create);
  assert.equal((await killed.api('POST', `/containers/${json.Id}/start`)).status, 204);
  const other = await running(await sandboxed());
  await killed.kill();
  await other.stop();
  assert.deepEqual(await other.sandbox.leftovers(), []);
  await killed.start();
  assert.equal((await killed.api('GET', `/containers/${json.Id}/json`)).json.State.Running, true);
  await removeEverything(killed);
  await killed.stop();
  assert.deepEqual(await killed.sandbox.leftovers(), []);
});

describe('tcp with TLS', () => {
  test('serves clients with a certificate of the authority, and no others', async () => {
    const sandbox = await sandboxed();
    const certs = join(sandbox.directory, 'certs');
    await makeCertificates(certs);
    const daemon = await running(sandbox, {
      flags: [
        ...['-H', 'tcp://127.0.0.1:2376', '--tlsverify', '--tlscacert', join(certs, 'ca.pem')],
        ...['--tlscert', join(certs, 'server-cert.pem'), '--tlskey', join(certs, 'server-key.pem')],
      ],
    });
    const inside = (env: Record<string, string>, args: string[], stdin?: string) =>
      sandbox.run(['docker', '-H', 'tcp://127.0.0.1:2376', ...args], {
        env: { DOCKER_CONFIG: join(sandbox.directory, 'client'), ...env },
        ...(stdin !== undefined && { stdin }),
      });
    const trusted = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certs };
    const good = await inside(trusted, ['run', '--rm', '-i', 'busybox', 'cat'], 'over TLS');
    assert.deepEqual([good.code, good.stdout], [0, 'over TLS'], good.stderr);
    const plain = await inside({ DOCKER_TLS_VERIFY: '' }, ['ps']);
    assert.notEqual(plain.code, 0);
    const anonymous = await sandbox.run(['curl', '-sk', 'https://127.0.0.1:2376/_ping']);
    assert.notEqual(anonymous.stdout, 'OK');
    await removeEverything(daemon);
    await daemon.stop();
  });
});

/** Listens where systemd would, and becomes the daemon with that socket as descriptor 3. */
const activate = `
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(16)
os.dup2(server.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execvp(sys.argv[2], sys.argv[2:])
`;

test('a socket that systemd passes is served', async () => {
  const sandbox = await sandboxed();
  const daemon = new Daemon(sandbox, { host: 'fd://', startedBy: (socket) => ['python3', '-c', activate, socket] });
  await daemon.start();
  assert.equal((await daemon.api('GET', '/_ping')).text, 'OK');
  assert.equal((await daemon.docker(['ps', '-q'])).code, 0);
  await daemon.stop();
});

test('the unix socket is of root and the group docker, or of root alone', async () => {
  const sandbox = await sandboxed();
  const daemon = await running(sandbox);
  assert.equal(statSync(daemon.socket).mode & 0o777, 0o660);
  await daemon.stop();
  assert.equal(existsSync(daemon.socket), false);
});

test('two daemons side by side by their roots and sockets alone', wharfOnly(), async () => {
  const sandbox = await sandboxed();
  const [first, second] = await Promise.all([
    running(sandbox, { name: 'first' }),
    running(sandbox, { name: 'second' }),
  ]);
  const address = async (daemon: Daemon) => {
    const created = await daemon.api('POST', '/containers/create?name=same', {
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
    });
    assert.equal((await daemon.api('POST', `/containers/${created.json.Id}/start`)).status, 204);
    return (await daemon.api('GET', '/containers/same/json')).json.NetworkSettings.Networks.bridge.IPAddress;
  };
  assert.notEqual(await address(first), await address(second));
  await removeEverything(first);
  await first.stop();
  const { json } = await second.api('GET', '/containers/same/json');
  assert.equal(json.State.Running, true, 'the other one goes on');
  const port = await second.docker([
    'run',
    '--rm',
    'busybox',
    'ping',
    '-c1',
    '-W2',
    json.NetworkSettings.Networks.bridge.Gateway,
  ]);
  assert.equal(port.code, 0, port.stdout + port.stderr);
  await removeEverything(second);
  await second.stop();
  assert.deepEqual(await sandbox.leftovers(), []);
});

test('a second daemon on the same roots is refused, and harms nothing', async () => {
  const sandbox = await sandboxed();
  const daemon = await running(sandbox);
  const second = await run(daemon.commandLine, { timeout: 10_000 });
  assert.equal(second.code, 1);
  assert.match(second.stderr + second.stdout, /process with PID \d+ is still running|pid file found|already running/i);
  assert.equal((await daemon.api('GET', '/_ping')).text, 'OK');
  await daemon.stop();
});

describe('configuration', () => {
  const starts = async (flags: readonly string[], file?: unknown) => {
    const sandbox = await sandboxed();
    const path = join(sandbox.directory, 'daemon.json');
    if (file !== undefined) writeFileSync(path, typeof file === 'string' ? file : JSON.stringify(file));
    const daemon = new Daemon(sandbox, { flags: [...flags, ...(file === undefined ? [] : ['--config-file', path])] });
    await daemon.start();
    return daemon;
  };

  for (const [name, flags, file, message] of [
    ['an unknown flag', ['--dream'], undefined, /unknown flag: --dream/],
    ['an unknown key', [], { dream: 1 }, /following directives don't match any configuration option: dream/],
    ['a file that is no JSON', [], '{"debug": ', /(unable to configure|invalid|unexpected)/i],
    [
      'a key that is also a flag',
      ['--mtu', '1400'],
      { mtu: 1300 },
      /specified both as a flag and in the configuration file: mtu/,
    ],
    ['a value of the wrong type', [], { mtu: 'big' }, /(mtu|cannot unmarshal)/],
  ] as const) {
    test(`${name} is refused by name`, async () => {
      await assert.rejects(starts(flags, file), message);
    });
  }

  test('a file is read, and labels and limits of it hold', async () => {
    const daemon = await starts([], {
      labels: ['rack=7'],
      'default-shm-size': '2m',
      'log-opts': { 'max-size': '10m' },
    });
    assert.deepEqual((await daemon.api('GET', '/info')).json.Labels, ['rack=7']);
    await daemon.stop();
  });
});

test('stopping the daemon stops its containers, and restart policies start them again', async () => {
  const sandbox = await sandboxed();
  const daemon = await running(sandbox);
  const create = async (name: string, policy: string) => {
    const body = {
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      StopSignal: 'SIGKILL',
      HostConfig: { RestartPolicy: { Name: policy } },
    };
    await daemon.api('POST', `/containers/create?name=${name}`, body);
    await daemon.api('POST', `/containers/${name}/start`);
  };
  await create('plain', 'no');
  await create('always', 'always');
  await create('unless', 'unless-stopped');
  await create('halted', 'unless-stopped');
  await daemon.api('POST', '/containers/halted/stop');
  await daemon.stop();
  await daemon.start();
  const status = async (name: string) => (await daemon.api('GET', `/containers/${name}/json`)).json.State.Status;
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if ((await status('always')) === 'running' && (await status('unless')) === 'running') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(
    [await status('plain'), await status('always'), await status('unless'), await status('halted')],
    ['exited', 'running', 'running', 'exited'],
  );
  await removeEverything(daemon);
  await daemon.stop();
});

describe('in two mount namespaces', () => {
  test('the end of one leaves the other the cgroup hierarchies that it needs', async () => {
    const [one, other] = [await sandboxed(), await sandboxed()];
    const ending = await running(one);
    const staying = await running(other);
    await ending.stop();
    assert.deepEqual(await one.leftovers(), []);
    const ran = await staying.docker(['run', '--rm', 'busybox', 'echo', 'still']);
    assert.deepEqual([ran.code, ran.stdout], [0, 'still\n'], ran.stderr);
    await removeEverything(staying);
    await staying.stop();
    assert.deepEqual(await other.leftovers(), []);
  });
});
