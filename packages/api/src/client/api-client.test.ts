import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiClient } from './api-client.ts';
import { ConnectionError, ResponseError } from './response-error.ts';

/** What the daemon sends for a request, byte for byte, by method and path without its version. */
type Script = Record<string, (socket: Socket, request: string) => void>;

const answers: Script = {
  'HEAD /_ping': (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\nContent-Length: 2\r\n\r\n'),
  'GET /length': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}'),
  'GET /chunked': (socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{"a\r\n4\r\n":1}\r\n0\r\nTrailer: x\r\n\r\n',
    ),
  'GET /continue': (socket) =>
    socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1'),
  'GET /until-close': (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n{"a":1}'),
  'GET /bytewise': (socket) => {
    const bytes = [...'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42'];
    const next = () => {
      const byte = bytes.shift();
      if (byte !== undefined) socket.write(byte, () => setImmediate(next));
    };
    next();
  },
  'GET /cut': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a":1}'),
  'GET /garbage': (socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'),
  'GET /hang-up': (socket) => socket.end(),
  'GET /missing': (socket) =>
    socket.write(
      'HTTP/1.1 404 Not Found\r\nContent-Length: 33\r\n\r\n{"message":"No such container: x"}'.replace('33', '34'),
    ),
  'GET /reason': (socket) =>
    socket.write(
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 42\r\n\r\n{"message":"no x","reason":"cmd_not_found"}'.replace(
        '42',
        '43',
      ),
    ),
  'GET /text': (socket) => socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\noops\n'),
  'GET /events': (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"n":1}\r\n\x1e{"n":2}\n\n{"n":3}'),
  'POST /nothing': (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
  'POST /echo': (socket, request) => {
    const body = request.slice(request.indexOf('\r\n\r\n') + 4);
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(JSON.stringify(body))}\r\n\r\n${JSON.stringify(body)}`,
    );
  },
  'POST /attach': (socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\nearly');
    socket.on('data', (bytes) => socket.write(bytes));
    socket.removeAllListeners('end').on('end', () => socket.end('late'));
  },
};

describe('the client of the Engine API', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-client-'));
  const path = join(directory, 'daemon.sock');
  const requests: string[] = [];
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++;
    let text = '';
    socket.on('error', () => {});
    const read = (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const whole = wholeRequest(text);
      if (whole === undefined) return;
      const line = /^(\w+) (?:\/v[\d.]+)?(\/\S*)/.exec(text);
      requests.push(text.split('\r\n')[0] ?? '');
      text = '';
      const name = `${line?.[1]} ${line?.[2]?.split('?')[0]}`;
      if (name === 'POST /attach') socket.off('data', read);
      answers[name]?.(socket, whole);
    };
    socket.on('data', read);
    socket.on('end', () => socket.end());
  });

  before(() => new Promise<void>((resolve) => void server.listen(path, resolve)));
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  const open = (version?: string) =>
    new ApiClient({
      address: { kind: 'unix', path, text: `unix://${path}` },
      ...(version === undefined ? {} : { version }),
    });

  for (const name of ['/length', '/chunked', '/until-close'] as const) {
    test(`a body by ${name.slice(1)}`, async () => assert.deepEqual(await open().json('GET', name), { a: 1 }));
  }
  test('an answer in single bytes', async () => assert.equal(await open().json('GET', '/bytewise'), 42));
  test('100 Continue is passed over', async () => assert.equal(await open().json('GET', '/continue'), 1));

  test('it speaks the lower version, and asks for it once', async () => {
    const client = open();
    requests.length = 0;
    const before = connections;
    for (let i = 0; i < 3; i++) await client.json('GET', '/length');
    await client.call('POST', '/nothing');
    assert.deepEqual(requests, [
      'HEAD /_ping HTTP/1.1',
      ...Array(3).fill('GET /v1.41/length HTTP/1.1'),
      'POST /v1.41/nothing HTTP/1.1',
    ]);
    assert.equal(connections - before, 1, 'one connection serves them all');
  });

  test('a version of one’s own needs no negotiation', async () => {
    requests.length = 0;
    await open('1.30').json('GET', '/length', { query: { all: true, x: undefined, names: ['a', 'b c'] } });
    assert.deepEqual(requests, ['GET /v1.30/length?all=1&names=a&names=b+c HTTP/1.1']);
  });

  test('a JSON body, and a streamed one in chunks', async () => {
    const client = open();
    assert.equal(await client.json('POST', '/echo', { body: { ä: 1 } }), Buffer.from('{"ä":1}').toString('latin1'));
    async function* parts() {
      yield new TextEncoder().encode('hello ');
      yield new Uint8Array(0);
      yield new TextEncoder().encode('world');
    }
    assert.equal(await client.json('POST', '/echo', { body: parts() }), '6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n');
  });

  test('a stream of JSON values', async () => {
    const values: unknown[] = [];
    for await (const value of open().stream('GET', '/events')) values.push(value);
    assert.deepEqual(values, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test('refusals carry the daemon’s message, status and reason', async () => {
    const failed = (name: string) =>
      open()
        .json('GET', name)
        .then(
          () => assert.fail(),
          (error: unknown) => error,
        );
    const missing = await failed('/missing');
    assert.ok(missing instanceof ResponseError);
    assert.deepEqual([missing.status, missing.code, missing.message], [404, 'not_found', 'No such container: x']);
    const refined = await failed('/reason');
    assert.ok(refined instanceof ResponseError);
    assert.equal(refined.reason, 'cmd_not_found');
    const text = await failed('/text');
    assert.ok(text instanceof ResponseError);
    assert.equal(text.message, 'oops');
  });

  for (const [name, message] of [
    ['/cut', /unexpected EOF/],
    ['/garbage', /not an HTTP response: "SSH-2.0-OpenSSH"/],
    ['/hang-up', /the daemon closed the connection/],
  ] as const) {
    test(`a broken answer: ${name.slice(1)}`, async () => assert.rejects(open('1.41').json('GET', name), message));
  }

  test('nobody there', async () => {
    const client = new ApiClient({ address: { kind: 'unix', path: '/nowhere.sock', text: 'unix:///nowhere.sock' } });
    await assert.rejects(client.negotiate(), (error: unknown) => {
      assert.ok(error instanceof ConnectionError);
      assert.equal(
        error.message,
        'Cannot connect to the Docker daemon at unix:///nowhere.sock. Is the docker daemon running?',
      );
      return true;
    });
  });

  test('a hijacked connection gives what came with the headers, and closes each way on its own', async () => {
    const { stream, multiplexed } = await open().hijack('/attach', { query: { stdin: true } });
    assert.equal(multiplexed, true);
    await stream.write(new TextEncoder().encode('-typed-'));
    await stream.closeWrite();
    let text = '';
    for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read())
      text += new TextDecoder().decode(chunk);
    stream.close();
    assert.equal(text, 'early-typed-late');
  });

  test('a header cannot be split', async () => {
    await assert.rejects(
      open('1.41').json('GET', '/length', { headers: { 'X-A': 'a\r\nB: c' } }),
      /invalid value of header X-A/,
    );
  });
});

function wholeRequest(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end).toLowerCase();
  if (head.includes('transfer-encoding: chunked')) return text.endsWith('0\r\n\r\n') ? text : undefined;
  const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
  return text.length >= end + 4 + length ? text : undefined;
}
