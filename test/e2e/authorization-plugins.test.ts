import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { PluginProcess } from '../harness/plugin-process.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

let sandbox: Sandbox;
let daemon: Daemon;
let guard: Guard;

interface Call {
  readonly method: string;
  readonly RequestMethod: string;
  readonly RequestUri: string;
  readonly RequestBody?: string;
  readonly RequestHeaders?: Record<string, string>;
  readonly ResponseBody?: string;
  readonly ResponseStatusCode?: number;
}

interface Policy {
  readonly request?: string;
  readonly response?: string;
  readonly status?: number;
  readonly implements?: readonly string[];
}

class Guard extends PluginProcess<Call> {
  decide(policy: Policy): void {
    writeFileSync(join(this.directory, 'policy'), JSON.stringify(policy));
  }
}

function newGuard(name: string): Guard {
  const made = new Guard({
    sandbox,
    script: 'authorization-plugin.py',
    socket: `/run/docker/plugins/${name}.sock`,
    directory: join(sandbox.directory, name),
  });
  made.decide({});
  return made;
}

const configFile = () => join(sandbox.directory, 'daemon.json');

before(async () => {
  sandbox = await openSandbox();
  guard = newGuard('guard');
  await guard.start();
  writeFileSync(configFile(), '{"authorization-plugins":["guard"]}');
  daemon = new Daemon(sandbox, { flags: ['--config-file', configFile()] });
  await daemon.start();
  await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
});

afterEach(() => {
  guard.decide({});
  guard.calls();
});

after(async () => {
  await removeEverything(daemon);
  await daemon.stop();
  await guard.stop();
  await sandbox.close();
});

const create = { Image: 'busybox', Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL', HostConfig: { Privileged: true } };

describe('what a plugin is told', () => {
  test('is the request with its JSON body, then the answer with its status and body', async () => {
    guard.calls();
    const answer = await daemon.api(
      'POST',
      '/v1.41/volumes/create?x=1',
      { Name: 'told' },
      {
        headers: { 'X-Registry-Auth': 'c2VjcmV0', Authorization: 'Bearer secret', 'X-Meta-A': 'b' },
      },
    );
    assert.equal(answer.status, 201, answer.text);
    const [asked, told, ...others] = guard.calls();
    assert.deepEqual(others, []);
    assert.equal(asked!.method, 'AuthZPlugin.AuthZReq');
    assert.deepEqual([asked!.RequestMethod, asked!.RequestUri], ['POST', '/v1.41/volumes/create?x=1']);
    assert.deepEqual(JSON.parse(asked!.RequestBody!), { Name: 'told' });
    assert.equal(asked!.RequestHeaders!['Content-Type'], 'application/json');
    assert.equal(asked!.RequestHeaders!['X-Meta-A'], 'b');
    assert.doesNotMatch(JSON.stringify(asked), /secret|c2VjcmV0/);
    assert.equal(told!.method, 'AuthZPlugin.AuthZRes');
    assert.equal(told!.ResponseStatusCode, 201);
    assert.equal(JSON.parse(told!.ResponseBody!).Name, 'told');
    assert.equal(JSON.parse(told!.RequestBody!).Name, 'told');
  });

  test('has no body that is not JSON: archives stay with the engine', async () => {
    const loaded = await daemon.api('POST', '/images/load?quiet=1', busyboxImage(), {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.equal(loaded.status, 200);
    assert.equal(guard.calls()[0]!.RequestBody, undefined);
  });
});

describe('what a plugin denies', () => {
  test('by the request does not happen, and the client reads why', async () => {
    guard.decide({ request: 'containers/create.*"Privileged":true' });
    const { code, stderr } = await daemon.docker(['run', '--privileged', '--name', 'denied', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /authorization denied by plugin guard: no request like this/);
    const answer = await daemon.api('POST', '/containers/create?name=denied', create);
    assert.deepEqual(
      [answer.status, answer.json],
      [403, { message: 'authorization denied by plugin guard: no request like this' }],
    );
    assert.equal((await daemon.api('GET', '/containers/denied/json')).status, 404);
    assert.equal((await daemon.docker(['run', '--rm', 'busybox', 'echo', 'plain'])).stdout, 'plain\n');
  });

  test('by the answer is not shown', async () => {
    guard.decide({ response: 'GET .*/info' });
    const answer = await daemon.api('GET', '/info');
    assert.equal(answer.status, 403);
    assert.deepEqual(answer.json, { message: 'authorization denied by plugin guard: no response like this' });
  });

  test('of attach, exec and logs is their request: no stream begins', async () => {
    const { json } = await daemon.api('POST', '/containers/create?name=streams', { ...create, HostConfig: {} });
    await daemon.api('POST', `/containers/${json.Id}/start`);
    const exec = await daemon.api('POST', `/containers/${json.Id}/exec`, { Cmd: ['true'], AttachStdout: true });
    guard.decide({ request: '/(attach|logs|exec/.*/start|events)' });
    for (const [method, url] of [
      ['POST', `/containers/${json.Id}/attach?stream=1&stdout=1`],
      ['GET', `/containers/${json.Id}/logs?stdout=1&follow=1`],
      ['GET', '/events'],
    ] as const) {
      const open = await daemon.open(method, url, undefined, { headers: { Connection: 'Upgrade', Upgrade: 'tcp' } });
      assert.equal(open.status, 403, url);
      open.socket.destroy();
    }
    const started = await daemon.api('POST', `/exec/${exec.json.Id}/start`, { Detach: false, Tty: false });
    assert.equal(started.status, 403);
    guard.decide({});
    assert.equal((await daemon.docker(['exec', 'streams', 'echo', 'through'])).stdout, 'through\n');
    assert.equal((await daemon.docker(['exec', '-i', 'streams', 'cat'], { stdin: 'both ways' })).stdout, 'both ways');
    const inspect = await daemon.docker(['logs', 'streams']);
    assert.equal(inspect.code, 0, inspect.stderr);
  });
});

/** Sends exactly these bytes and gives what comes back. */
async function raw(bytes: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(daemon.socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  for (const piece of bytes) socket.write(piece);
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

describe('nothing gets past it', () => {
  const head = (...fields: string[]) =>
    ['POST /v1.41/containers/create?name=past HTTP/1.1', 'Host: x', 'Connection: close', ...fields, '', ''].join(
      '\r\n',
    );
  const body = JSON.stringify(create);
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const padded = JSON.stringify({ ...create, Env: [`A=${'x'.repeat(3 * 1024 * 1024)}`] });

  const rows: [name: string, bytes: string[], status: RegExp][] = [
    ['a body in chunks', [head('Content-Type: application/json', 'Transfer-Encoding: chunked'), chunked], / 403 /],
    [
      'a body in chunks beside the length 0 (CVE-2024-41110)',
      [head('Content-Type: application/json', 'Content-Length: 0', 'Transfer-Encoding: chunked'), chunked],
      / 400 /,
    ],
    ['a body after the length 0', [head('Content-Type: application/json', 'Content-Length: 0'), body], / 400 /],
    [
      'a body of 3 MiB, more than dockerd shows a plugin',
      [head('Content-Type: application/json', `Content-Length: ${padded.length}`), padded],
      / 403 /,
    ],
    [
      'a body of more than what is read',
      [head('Content-Type: application/json', `Content-Length: ${17 * 2 ** 20}`)],
      / 413 /,
    ],
    [
      'JSON that is said to be text',
      [head('Content-Type: text/plain', `Content-Length: ${body.length}`), body],
      / 400 /,
    ],
    ['JSON of no type', [head(`Content-Length: ${body.length}`), body], / 400 /],
    [
      'a type in other letters',
      [head('Content-Type: Application/JSON; charset=utf-8', `Content-Length: ${body.length}`), body],
      / 403 /,
    ],
    [
      'a type twice',
      [head('Content-Type: text/plain', 'Content-Type: application/json', `Content-Length: ${body.length}`), body],
      / 400 /,
    ],
    [
      'a path in escapes',
      [
        head('Content-Type: application/json', `Content-Length: ${body.length}`).replace(
          '/containers/create',
          '/%63ontainers%2Fcreate',
        ),
        body,
      ],
      / 403 /,
    ],
    [
      'a path with more slashes',
      [
        head('Content-Type: application/json', `Content-Length: ${body.length}`).replace('/containers', '//containers'),
        body,
      ],
      / (301|403) /,
    ],
  ];
  for (const [name, bytes, status] of rows) {
    test(name, wharfOnly(), async () => {
      guard.decide({ request: '/containers/create.*"Privileged":true' });
      assert.match((await raw(bytes)).split('\r\n')[0]!, status);
      guard.decide({});
      assert.equal((await daemon.api('GET', '/containers/past/json')).status, 404);
    });
  }
});

describe('a plugin that cannot decide', () => {
  test('denies by failing', async () => {
    guard.decide({ status: 500 });
    const answer = await daemon.api('GET', '/containers/json');
    assert.equal(answer.status, 500);
    assert.match(answer.json.message, /^plugin guard failed with error: .*the plugin is broken/);
  });

  test('is waited for while it starts again', async () => {
    await guard.stop();
    const answer = daemon.api('GET', '/containers/json');
    await guard.start();
    assert.equal((await answer).status, 200);
  });
});

describe('which plugins', () => {
  async function reload(config: object): Promise<void> {
    const events = await daemon.open('GET', '/events?filters={"type":["daemon"]}');
    writeFileSync(configFile(), JSON.stringify(config));
    process.kill(daemon.pid, 'SIGHUP');
    await events.reader.rest;
    for await (const _ of events.body) break;
    events.socket.destroy();
  }

  test('is changed by a reload; all that are named have to allow', wharfOnly(), async () => {
    const second = newGuard('second');
    await second.start();
    await reload({ 'authorization-plugins': ['guard', 'second'] });
    assert.deepEqual((await daemon.api('GET', '/info')).json.Plugins.Authorization, ['guard', 'second']);
    second.decide({ request: '/volumes' });
    guard.calls();
    second.calls();
    assert.match((await daemon.api('GET', '/volumes')).json.message, /denied by plugin second: no request/);
    assert.deepEqual([guard.calls().length, second.calls().length], [1, 1], 'in their order');
    await reload({});
    assert.equal((await daemon.api('GET', '/volumes')).status, 200);
    assert.equal((await daemon.api('GET', '/info')).json.Plugins.Authorization, null);
    await reload({ 'authorization-plugins': ['guard'] });
    await second.stop();
  });

  test('that are not there keep the daemon from starting', async () => {
    const other = new Daemon(sandbox, { name: 'other', flags: ['--authorization-plugin', 'nobody'] });
    await assert.rejects(other.start(), /nobody.* not found|plugin not found/i);
  });

  test('of another kind are refused', wharfOnly(), async () => {
    const volumes = newGuard('volumes');
    volumes.decide({ implements: ['VolumeDriver'] });
    await volumes.start();
    const other = new Daemon(sandbox, { name: 'another', flags: ['--authorization-plugin', 'volumes'] });
    await assert.rejects(other.start(), /plugin "volumes" does not implement authz/);
    await volumes.stop();
  });
});
