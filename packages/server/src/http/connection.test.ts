import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RawClient } from '../raw-client.ts';
import { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-http-'));
const path = join(directory, 'socket');
const aborted: string[] = [];
let whenAborted = Promise.withResolvers<void>();

/** Answers with what it saw; `/hijack` echoes, `/wait` waits for the client to leave. */
async function handle(exchange: Exchange): Promise<void> {
  const { method, target } = exchange.request;
  if (target === '/wait') {
    exchange.signal.addEventListener('abort', () => {
      aborted.push(target);
      whenAborted.resolve();
    });
    exchange.startStream(200, {});
    return;
  }
  if (target === '/stream') {
    const response = exchange.startStream(200, {});
    response.write('one');
    response.write(Buffer.from('two'));
    response.end();
    return;
  }
  if (target === '/unread') return exchange.respond(404, {}, 'no');
  if (target === '/hijack') {
    await exchange.text(1000);
    const { socket, head } = exchange.hijack('HTTP/1.1 101 UPGRADED\r\n\r\n');
    socket.write(head);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end('bye'));
    socket.resume();
    return;
  }
  if (target === '/slow') {
    let size = 0;
    for await (const chunk of exchange.stream()) {
      size += (chunk as Buffer).length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return exchange.respond(200, {}, String(size));
  }
  try {
    exchange.respond(200, {}, `${method} ${target} [${await exchange.text(100)}]`);
  } catch (error) {
    exchange.respond(400, {}, (error as Error).message);
  }
}

const server = createServer({ allowHalfOpen: true }, (socket) => void new Connection(socket, handle));

before(async () => {
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
after(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

async function exchangeOf(request: string): Promise<string> {
  await using client = await RawClient.open(path);
  client.send(request);
  client.end();
  return await client.untilEnd();
}

const host = 'Host: x\r\n';

describe('requests', () => {
  const rows: [name: string, request: string, expected: RegExp][] = [
    ['no body', `GET /a HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nGET \/a \[\]$/],
    ['a length', `POST /a HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`, /\[abc\]$/],
    [
      'chunks',
      `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n`,
      /\[abc\]$/,
    ],
    ['trailers', `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n`, /\[\]$/],
    ['an empty line first', `\r\nGET /a HTTP/1.1\r\n${host}\r\n`, /GET \/a/],
    ['absolute form', `GET http://x/a?b HTTP/1.1\r\n${host}\r\n`, /GET \/a\?b/],
    ['HTTP/1.0 closes', 'GET /a HTTP/1.0\r\n\r\n', /Connection: close/],
    ['HTTP/1.0 stream', 'GET /stream HTTP/1.0\r\n\r\n', /\r\n\r\nonetwo$/],
    ['a stream', `GET /stream HTTP/1.1\r\n${host}\r\n`, /chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n$/],
    ['HEAD has no body', `HEAD /abc HTTP/1.1\r\n${host}\r\n`, /Content-Length: 12\r\n\r\n$/],
    [
      'continue',
      `POST /a HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/,
    ],
    ['a body above the limit', `POST /a HTTP/1.1\r\n${host}Content-Length: 101\r\n\r\n`, /too large/],
    ['a body cut short', `POST /a HTTP/1.1\r\n${host}Content-Length: 9\r\n\r\nabc`, /unexpected EOF$/],
  ];
  for (const [name, request, expected] of rows) {
    test(name, async () => assert.match(await exchangeOf(request), expected));
  }
});

describe('refusals', () => {
  const rows: [name: string, request: string, status: number][] = [
    ['both lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, 400],
    ['equal lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 3, 3\r\n\r\nabc`, 400],
    ['a signed length', `POST / HTTP/1.1\r\n${host}Content-Length: +3\r\n\r\nabc`, 400],
    ['a negative length', `POST / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`, 400],
    ['a huge length', `POST / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n`, 400],
    ['an unknown coding', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501],
    [
      'chunked twice',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
    ],
    ['chunked in 1.0', `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, 400],
    [
      'a chunk size with a sign',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n`,
      400,
    ],
    ['a chunk size 0x1', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n`, 400],
    ['an empty chunk size', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n\r\na\r\n0\r\n\r\n`, 400],
    ['a huge chunk size', `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`, 400],
    [
      'a chunk longer than said',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`,
      400,
    ],
    [
      'a bare line feed in chunks',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`,
      400,
    ],
    ['a folded header', `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, 400],
    ['bare line feeds', 'GET / HTTP/1.1\nHost: x\n\n', 400],
    ['a bare line feed in a header', `GET / HTTP/1.1\r\n${host}X: a\nY: b\r\n\r\n`, 400],
    ['a bare carriage return', `GET / HTTP/1.1\r\n${host}X: a\rY: b\r\n\r\n`, 400],
    ['a NUL', `GET / HTTP/1.1\r\n${host}X: a\0\r\n\r\n`, 400],
    ['a space before the colon', `GET / HTTP/1.1\r\n${host}X : a\r\n\r\n`, 400],
    ['no header name', `GET / HTTP/1.1\r\n${host}: a\r\n\r\n`, 400],
    ['no colon', `GET / HTTP/1.1\r\n${host}X\r\n\r\n`, 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two hosts', `GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
    ['two spaces', `GET  / HTTP/1.1\r\n${host}\r\n`, 400],
    ['no version', `GET /\r\n${host}\r\n`, 400],
    ['HTTP/2.0', `GET / HTTP/2.0\r\n${host}\r\n`, 505],
    ['a relative target', `GET a HTTP/1.1\r\n${host}\r\n`, 400],
    ['CONNECT', `CONNECT x:1 HTTP/1.1\r\n${host}\r\n`, 400],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n\r\n', 400],
    ['another expectation', `GET / HTTP/1.1\r\n${host}Expect: x\r\n\r\n`, 417],
    ['a long target', `GET /${'a'.repeat(600_000)} HTTP/1.1\r\n${host}\r\n`, 414],
    ['a megabyte of headers', `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(1_100_000)}\r\n\r\n`, 431],
    ['two thousand headers', `GET / HTTP/1.1\r\n${host}${'X: a\r\n'.repeat(2000)}\r\n`, 431],
  ];
  for (const [name, request, status] of rows) {
    test(name, async () => {
      const answer = await exchangeOf(request);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(answer, /Connection: close/);
      assert.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer only');
    });
  }

  test('an HTTP/2 preface gets GOAWAY', async () => {
    assert.match(await exchangeOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /^\0\0\0\x04[\s\S]*\x0d$/);
  });
});

describe('connections', () => {
  test('pipelined requests are answered in order', async () => {
    const answer = await exchangeOf(
      `GET /1 HTTP/1.1\r\n${host}\r\nPOST /2 HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nxGET /stream HTTP/1.1\r\n${host}\r\nGET /4 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    );
    assert.deepEqual(
      [...answer.matchAll(/(GET \/\d|POST \/\d|one)/g)].map(([found]) => found),
      ['GET /1', 'POST /2', 'one', 'GET /4'],
    );
  });

  test('a request in single bytes', async () => {
    await using client = await RawClient.open(path);
    for (const byte of `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await client.until('[ab]'), /200 OK/);
  });

  test('an unread small body does not end the connection, a large one does', async () => {
    await using client = await RawClient.open(path);
    client.send(`POST /unread HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\n${host}\r\n`);
    await client.until('GET /next');
    client.send(`POST /unread HTTP/1.1\r\n${host}Content-Length: 300000\r\n\r\nabc`);
    assert.match(await client.untilEnd(), /404 Not Found\r\nDate: [\s\S]*Connection: close[\s\S]*no$/);
  });

  test('a large body is read at the pace of its reader', async () => {
    await using client = await RawClient.open(path);
    const size = 20_000_000;
    client.send(`POST /slow HTTP/1.1\r\n${host}Content-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size));
    await client.until(`\r\n\r\n${size}`);
  });

  for (const [name, upgrade] of [
    ['with Upgrade', 'Connection: Upgrade\r\nUpgrade: tcp\r\n'],
    ['without Upgrade', ''],
  ] as const) {
    test(`a hijacked connection keeps early bytes and half-closes, ${name}`, async () => {
      await using client = await RawClient.open(path);
      client.send(`GET /first HTTP/1.1\r\n${host}\r\n`);
      await client.until('GET /first');
      client.send(`POST /hijack HTTP/1.1\r\n${host}${upgrade}Content-Length: 2\r\n\r\n{}EARLY`);
      await client.until('EARLY');
      client.send('LATE');
      await client.until('LATE');
      client.end();
      assert.match(await client.untilEnd(), /UPGRADED\r\n\r\nEARLYLATEbye$/);
    });
  }

  test('a hijack with everything in one packet, end included', async () => {
    assert.match(await exchangeOf(`POST /hijack HTTP/1.1\r\n${host}\r\nEARLY`), /UPGRADED\r\n\r\nEARLY(bye)?$/);
  });

  for (const how of ['end', 'destroy'] as const) {
    test(`a client that leaves (${how}) aborts its request`, async () => {
      whenAborted = Promise.withResolvers<void>();
      await using client = await RawClient.open(path);
      client.send(`GET /wait HTTP/1.1\r\n${host}\r\n`);
      await client.until('200 OK');
      client.socket[how]();
      await whenAborted.promise;
    });
  }

  test('noise never crashes the server', async () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    const valid = `POST /a?b HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nX-Y: z\r\n\r\n2\r\nab\r\n0\r\n\r\n`;
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(valid, 'latin1');
      for (let change = 0; change < 1 + random(4); change++) bytes[random(bytes.length)] = random(256);
      const answer = await exchangeOf(bytes.toString('latin1').slice(0, 1 + random(bytes.length)));
      assert.match(answer, /^(HTTP\/1.1 \d{3} |$)/);
    }
    assert.match(await exchangeOf(`GET /alive HTTP/1.1\r\n${host}\r\n`), /alive/);
  });
});
