import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { EventMessage } from '@wharf/api/events';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { encodeFrame } from '@wharf/api/streams/stdcopy';
import { conflict, EngineError, notFound } from '@wharf/base/error';
import { silentLogger } from '@wharf/base/logger';
import type { StopOptions } from '@wharf/engine/engine';
import { createApiServer } from './api-server.ts';
import { echoStream, fakeEngine } from './fake-engine.ts';
import { raiseBacklog } from './listen-backlog.ts';
import { RawClient } from './raw-client.ts';
import { encodeWebSocketFrame } from './websocket-frame.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-api-'));
const path = join(directory, 'socket');
const calls: unknown[] = [];

const event: EventMessage = {
  Type: 'container',
  Action: 'start',
  Actor: { ID: 'abc', Attributes: { image: 'a<b' } },
  scope: 'local',
  time: 1,
  timeNano: 1_700_000_000_123_456_789n,
};

/** The stdio of a program that has come and gone without a word. */
async function endedStream() {
  const stream = new PassThrough();
  stream.end();
  stream.resume();
  await once(stream, 'close');
  return { tty: false, stream };
}

const engine = fakeEngine({
  'containers.list': (options: object) => {
    calls.push(options);
    return [];
  },
  'containers.create': (name: string, request: { HostConfig: { Memory: number } }, platform: string) => {
    calls.push({ name, memory: request.HostConfig.Memory, platform });
    return { Id: 'abc', Warnings: [] };
  },
  'containers.start': (id: string) => {
    if (id === 'none') throw notFound('No such container: none');
    if (id === 'running') throw new EngineError('not_modified', '');
    if (id === 'bad') throw new EngineError('invalid_argument', 'no such program', { reason: 'cmd_not_found' });
    if (id === 'busy') throw conflict('busy');
    if (id === 'crash') throw new TypeError('secret', { cause: 'more' });
  },
  'containers.stop': (id: string, options: StopOptions) => calls.push({ id, options }),
  'containers.attach': (id: string) => {
    if (id === 'none') throw notFound('No such container: none');
    return { tty: id === 'tty', stream: echoStream('bye') };
  },
  'containers.logs': () => ({ tty: false, stream: Readable.from([encodeFrame(1, 'one'), encodeFrame(2, 'two')]) }),
  'containers.wait': () => ({ exited: Promise.resolve({ StatusCode: 3 }) }),
  'exec.start': (id: string) => {
    if (id === 'bad') throw new EngineError('invalid_argument', 'no such program', { reason: 'cmd_not_found' });
    if (id === 'none') throw notFound('No such exec instance: none');
    if (id === 'silent') return endedStream();
    return { tty: false, stream: echoStream('done') };
  },
  'images.inspect': (name: string) => ({ Id: 'sha256:1', Name: name, Config: {}, Created: undefined }),
  'images.load': async (archive: Readable, _options: object, progress: (message: JsonMessage) => void) => {
    let size = 0;
    for await (const chunk of archive) size += (chunk as Buffer).length;
    if (size === 3) throw new EngineError('invalid_argument', 'no archive');
    progress({ stream: `${size} <bytes>` });
    if (size === 4) throw new EngineError('invalid_argument', 'half an archive');
  },
  'system.events': async function* () {
    yield event;
  },
  'system.version': () => ({ Version: '0' }),
});

const api = createApiServer({ engine, logger: silentLogger, serverVersion: '9.9' });
const server = createServer({ allowHalfOpen: true }, api.accept);
before(async () => {
  await new Promise<void>((resolve) => server.listen(path, resolve));
  raiseBacklog(server);
});
after(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

async function ask(line: string, options: { body?: string; headers?: string } = {}): Promise<string> {
  await using client = await RawClient.open(path);
  const { body = '', headers = 'Content-Type: application/json\r\n' } = options;
  client.send(
    `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  return await client.untilEnd();
}

describe('answers', () => {
  const rows: [name: string, line: string, body: string, expected: RegExp][] = [
    [
      'ping',
      'GET /_ping',
      '',
      /^HTTP\/1.1 200 OK\r\n[\s\S]*Content-Type: text\/plain; charset=utf-8\r\n[\s\S]*\r\n\r\nOK$/,
    ],
    [
      'ping by HEAD',
      'HEAD /v1.24/_ping',
      '',
      /Api-Version: 1.52\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: Docker\/9.9 \(linux\)\r\n[\s\S]*\r\n\r\n$/,
    ],
    [
      'an old client',
      'GET /v1.23/version',
      '',
      /400[\s\S]*"client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade/,
    ],
    [
      'a new client',
      'GET /v1.99/version',
      '',
      /400[\s\S]*"client version 1.99 is too new. Maximum supported API version is 1.52"/,
    ],
    ['no such page', 'GET /nothing', '', /404 [\s\S]*\r\n\r\n{"message":"page not found"}\n$/],
    ['a wrong method', 'PUT /version', '', /404 [\s\S]*page not found/],
    ['doubled slashes', 'GET /containers//json?a=b', '', /301 [\s\S]*Location: \/containers\/json\?a=b/],
    ['a bad escape', 'GET /containers/%zz/json', '', /400 /],
    ['options', 'OPTIONS /whatever', '', /200 OK/],
    ['image names have slashes', 'GET /v1.44/images/a.b:5/c/d:e@sha256:f/json', '', /"Name":"a.b:5\/c\/d:e@sha256:f"/],
    ['escaped image names', 'GET /images/a%2Fb/json', '', /"Name":"a\/b"/],
    ['no swarm', 'GET /services', '', /503 [\s\S]*"This node is not a swarm manager. Use \\"docker swarm init\\"/],
    ['a build without a name', 'POST /build/cancel', '', /400 [\s\S]*"build ID not provided"/],
    ['gRPC without an upgrade', 'POST /grpc', '', /400 [\s\S]*no upgrade/],
    [
      'created',
      'POST /containers/create?name=n',
      '{"Image":"i","hostconfig":{"Memory":5}}',
      /201 Created[\s\S]*{"Id":"abc","Warnings":\[\]}/,
    ],
    ['no body', 'POST /containers/create', '', /400 [\s\S]*invalid JSON: got EOF while reading request body/],
    ['half a body', 'POST /containers/create', '{"Image"', /400 [\s\S]*invalid JSON: unexpected EOF/],
    ['two bodies', 'POST /containers/create', '{}{}', /400 [\s\S]*unexpected content after JSON/],
    [
      'a wrong type',
      'POST /containers/create',
      '{"HostConfig":{"Memory":"1"}}',
      /400 [\s\S]*cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64/,
    ],
    ['started', 'POST /containers/x/start', '', /^HTTP\/1.1 204 No Content\r\n(?![\s\S]*Content-Length)/],
    ['running already', 'POST /containers/running/start', '', /^HTTP\/1.1 304 Not Modified\r\n[\s\S]*\r\n\r\n$/],
    ['absent', 'POST /containers/none/start', '', /404 [\s\S]*{"message":"No such container: none"}/],
    ['in conflict', 'POST /containers/busy/start', '', /409 /],
    ['a program that is not there', 'POST /containers/bad/start', '', /400 [\s\S]*"reason":"cmd_not_found"/],
    ['a start with a body', 'POST /containers/x/start', '{"a":1}', /400 [\s\S]*non-empty request body/],
    ['a defect', 'POST /containers/crash/start', '', /500 [\s\S]*{"message":"secret"}\n$/],
    ['no stream chosen', 'GET /containers/x/logs', '', /400 [\s\S]*you must choose at least one stream/],
    ['a bad wait', 'POST /containers/x/wait?condition=never', '', /400 [\s\S]*invalid condition: \\"never\\"/],
    ['no size', 'POST /containers/x/resize?h=1', '', /400 [\s\S]*invalid resize width/],
    [
      'logs',
      'GET /containers/x/logs?stdout=1',
      '',
      /vnd.docker.multiplexed-stream[\s\S]*\x01\0\0\0\0\0\0\x03one[\s\S]*\x02\0\0\0\0\0\0\x03two[\s\S]*0\r\n\r\n$/,
    ],
    ['wait', 'POST /containers/x/wait', '', /chunked[\s\S]*{"StatusCode":3}\n/],
    ['a load', 'POST /images/load', '12345', /200 OK[\s\S]*{"stream":"5 \\u003cbytes\\u003e"}\r\n/],
    ['a load that fails at once', 'POST /images/load', '123', /400 [\s\S]*{"message":"no archive"}/],
    [
      'a load that fails midway',
      'POST /images/load',
      '1234',
      /200 OK[\s\S]*{"errorDetail":{"message":"half an archive"},"error":"half an archive"}\r\n/,
    ],
    [
      'events',
      'GET /events',
      '',
      /application\/json\r\n[\s\S]*{"Type":"container",[\s\S]*"image":"a\\u003cb"[\s\S]*"timeNano":1700000000123456789}\n/,
    ],
    ['events of old', 'GET /v1.50/events', '', /{"status":"start","id":"abc","from":"a\\u003cb","Type":"container"/],
    ['an import from a URL', 'POST /images/create?fromSrc=http://a/b', '', /501 [\s\S]*importing an image from a URL/],
  ];
  for (const [name, line, body, expected] of rows) {
    test(name, async () => assert.match(await ask(line, { body }), expected));
  }

  test('a body that is not JSON by its own word', async () => {
    const answer = await ask('POST /containers/create', { body: '{}', headers: 'Content-Type: text/plain\r\n' });
    assert.match(answer, /400 [\s\S]*unsupported Content-Type header \(text\/plain\): must be 'application\/json'/);
  });

  test('events as a JSON sequence', async () => {
    const answer = await ask('GET /events', { headers: 'Accept: application/json-seq\r\n' });
    assert.match(answer, /Content-Type: application\/json-seq\r\n[\s\S]*\x1e{"Type"/);
  });

  test('queries', async () => {
    calls.length = 0;
    await ask('GET /containers/json?all=1&limit=-1&filters=%7B%22label%22:%7B%22a=b%22:true%7D%7D');
    await ask('POST /v1.41/containers/x/stop?t=-1&signal=KILL');
    await ask('POST /v1.42/containers/x/stop?t=5&signal=KILL');
    assert.deepEqual(calls, [
      { all: true, limit: 0, size: false, filters: new Map([['label', ['a=b']]]) },
      { id: 'x', options: { timeout: -1 } },
      { id: 'x', options: { timeout: 5, signal: 'KILL' } },
    ]);
  });
});

describe('hijacking', () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
  for (const [name, headers, status] of [
    ['with Upgrade', upgrade, '101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream'],
    ['without Upgrade', '', '200 OK\r\nContent-Type: application/vnd.docker.raw-stream'],
  ] as const) {
    test(`attach ${name}: early bytes, then more, then EOF, and output goes on`, async () => {
      await using client = await RawClient.open(path);
      client.send(`POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${headers}\r\nEARLY`);
      await client.until('EARLY');
      client.send('LATE');
      await client.until('LATE');
      client.end();
      assert.equal(
        (await client.untilEnd()).replace(/\r\nConnection: Upgrade\r\nUpgrade: tcp/, ''),
        `HTTP/1.1 ${status}\r\n\r\nEARLYLATEbye`,
      );
    });
  }

  test('exec: a body in two packets, then stdin', async () => {
    await using client = await RawClient.open(path);
    client.send(
      `POST /exec/x/start HTTP/1.1\r\nHost: x\r\n${upgrade}Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{"Detach"`,
    );
    await new Promise((resolve) => setImmediate(resolve));
    client.send(':false}input');
    await client.until('input');
    client.end();
    assert.match(await client.untilEnd(), /inputdone$/);
  });

  test('exec: a program that is not there is told in the stream', async () => {
    const answer = await ask('POST /exec/bad/start', {
      body: '{}',
      headers: `${upgrade}Content-Type: application/json\r\n`,
    });
    assert.match(answer, /^HTTP\/1.1 101 [\s\S]*\x01\0\0\0\0\0\0\x11no such program\r\n$/);
  });

  test('exec: output that has ended before anybody listened ends the connection', async () => {
    const answer = await ask('POST /exec/silent/start', {
      body: '{}',
      headers: `${upgrade}Content-Type: application/json\r\n`,
    });
    assert.match(answer, /^HTTP\/1.1 101 [^\0]*\r\n\r\n$/);
  });

  test('what is absent is an ordinary error', async () => {
    assert.match(await ask('POST /containers/none/attach', { headers: upgrade }), /^HTTP\/1.1 404 /);
    assert.match(await ask('POST /exec/none/start', { headers: upgrade }), /^HTTP\/1.1 404 /);
  });

  test('a WebSocket carries stdin and plain output', async () => {
    await using client = await RawClient.open(path);
    client.send(
      'GET /containers/tty/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n' +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    assert.match(await client.until('\r\n\r\n'), /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    client.send(masked(2, 'hello'));
    await client.until('\x82\x05hello');
    client.send(masked(9, 'p'));
    await client.until('\x8a\x01p');
    client.send(masked(8, ''));
    await client.untilEnd();
  });

  test('a WebSocket handshake that is none', async () => {
    assert.match(await ask('GET /containers/tty/attach/ws'), /^HTTP\/1.1 400 /);
  });
});

test('a thousand idle connections cost little, and the next is served', async () => {
  const clients = await Promise.all(Array.from({ length: 1000 }, () => RawClient.open(path)));
  assert.match(await ask('GET /_ping'), /OK$/);
  for (const client of clients) client.socket.destroy();
});

function masked(opcode: number, text: string): Buffer {
  const frame = encodeWebSocketFrame(opcode, Buffer.from(text));
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = Buffer.from(text).map((byte, index) => byte ^ mask[index & 3]!);
  return Buffer.concat([Buffer.from([frame[0]!, frame[1]! | 0x80]), mask, payload]);
}
