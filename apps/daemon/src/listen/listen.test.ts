import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { silentLogger } from '@wharf/base/logger';
import { type ListenOptions, listen } from './listen.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-listen-'));
after(() => rmSync(directory, { recursive: true }));

function options(hosts: string[], more: Partial<ListenOptions> = {}): ListenOptions {
  return {
    hosts,
    group: '0',
    tls: undefined,
    passedDescriptors: 0,
    inherited: new Map(),
    accept: (socket) => socket.end('hello'),
    logger: silentLogger,
    ...more,
  };
}

function readAll(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('end', () => resolve(text));
  socket.on('close', () => resolve(text));
  socket.on('error', reject);
  return promise;
}

test('a unix socket is for its group alone, replaces a dead one, and goes with the daemon', async () => {
  const path = join(directory, 'deep', 'socket');
  for (let round = 0; round < 2; round++) {
    const listeners = await listen(options([`unix://${path}`], { group: '7' }));
    const { mode, gid } = statSync(path);
    assert.equal(mode & 0o777, 0o660);
    assert.equal(gid, 7);
    assert.equal(await readAll(connect(path)), 'hello');
    if (round === 1) listeners.close();
  }
  assert.equal(existsSync(path), false);
});

test('a socket that is handed over keeps its clients waiting until the next program accepts', async () => {
  const path = join(directory, 'handed');
  const host = `unix://${path}`;
  const first = await listen(options([host]));
  const inherited = first.handOver();
  const client = connect(path);
  await new Promise((resolve) => client.once('connect', resolve));
  const second = await listen(options([host], { inherited, accept: (socket) => socket.end('second') }));
  assert.equal(await readAll(client), 'second');
  second.close();
  assert.equal(existsSync(path), false);
});

test('one -H that fails closes the others', async () => {
  const path = join(directory, 'first');
  await assert.rejects(listen(options([`unix://${path}`, 'fd://'])), { message: /socket activation/ });
  assert.equal(existsSync(path), false);
});

test('a group that is not there', async () => {
  const path = join(directory, 'group');
  await assert.rejects(listen(options([`unix://${path}`], { group: 'nosuch' })), { message: 'group nosuch not found' });
});

describe('TLS', () => {
  function openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  }
  function certificate(name: string, authority: string): void {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      '/CN=localhost',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${authority}.pem`,
      '-CAkey',
      `${authority}.key`,
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '1',
    );
  }
  for (const name of ['ca', 'other']) {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
      '-days',
      '1',
    );
  }
  certificate('server', 'ca');
  certificate('client', 'ca');
  certificate('stranger', 'other');
  const file = (name: string) => join(directory, name);

  async function ask(client: string | undefined): Promise<string> {
    const port = 20000 + Math.floor(Math.random() * 20000);
    const tls = { cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem'), verify: true };
    const listeners = await listen(options([`tcp://127.0.0.1:${port}`], { tls }));
    try {
      const credentials = client
        ? { cert: readFileSync(file(`${client}.pem`)), key: readFileSync(file(`${client}.key`)) }
        : {};
      const socket = connectTls({
        host: '127.0.0.1',
        port,
        ca: readFileSync(file('ca.pem')),
        checkServerIdentity: () => undefined,
        ...credentials,
      });
      return await readAll(socket).catch((error: Error) => `refused: ${error.message}`);
    } finally {
      listeners.close();
    }
  }

  test('a client of the authority is served', async () => assert.equal(await ask('client'), 'hello'));
  test('a client of another authority is not', async () => assert.notEqual(await ask('stranger'), 'hello'));
  test('a client without a certificate is not', async () => assert.notEqual(await ask(undefined), 'hello'));

  test('a certificate that is not there', async () => {
    const tls = { cert: file('none.pem'), key: file('server.key'), ca: file('ca.pem'), verify: false };
    await assert.rejects(listen(options(['tcp://127.0.0.1:0'], { tls })), {
      message: /could not load TLS certificate/,
    });
  });
});
