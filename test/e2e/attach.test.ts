import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { openRequest } from '../harness/http.ts';
import { demultiplex } from '../harness/stdcopy.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
const interactive = { OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true };

function attach(id: string, query: string, headers: Record<string, string> = {}) {
  return openRequest(engine.daemon.socket, 'POST', `/containers/${id}/attach?${query}`, { headers });
}

for (const [name, headers, status] of [
  ['with Upgrade', upgrade, 101],
  ['without Upgrade', {}, 200],
] as const) {
  describe(`attach ${name}`, () => {
    test('stdin reaches the program, closing it is end of file, and all output comes before the end', async () => {
      const id = await engine.create({ Cmd: ['sh', '-c', 'cat; echo done >&2; exit 3'], ...interactive });
      const attached = await attach(id, 'stream=1&stdin=1&stdout=1&stderr=1', headers);
      assert.equal(attached.status, status);
      const upgraded = status === 101;
      assert.equal(attached.headers.connection, upgraded ? 'Upgrade' : undefined);
      assert.equal(attached.headers.upgrade, upgraded ? 'tcp' : undefined);
      assert.match(attached.headers['content-type']!, /^application\/vnd\.docker\.(raw|multiplexed)-stream$/);
      await engine.start(id);
      attached.socket.write('first line\n');
      attached.socket.end('second line\n');
      const { stdout, stderr } = demultiplex(await attached.reader.rest());
      assert.equal(stdout, 'first line\nsecond line\n');
      assert.equal(stderr, 'done\n');
      assert.equal(await engine.wait(id), 3);
      attached.socket.destroy();
      await engine.remove(id);
    });

    test('a megabyte comes back whole, both ways at once', async () => {
      const id = await engine.create({ Cmd: ['cat'], ...interactive });
      const attached = await attach(id, 'stream=1&stdin=1&stdout=1&stderr=1', headers);
      await engine.start(id);
      const sent = Buffer.alloc(1 << 20, 'a line of text that is not very long\n');
      attached.socket.end(sent);
      const { stdout } = demultiplex(await attached.reader.rest());
      assert.equal(stdout.length, sent.length);
      assert.equal(stdout, sent.toString());
      attached.socket.destroy();
      await engine.remove(id);
    });

    test('a program that closes its output early still reads its input', async () => {
      const id = await engine.create({
        Cmd: ['sh', '-c', 'exec >/dev/null 2>&1; cat > /root/got; exec cat /root/got'],
        ...interactive,
      });
      const attached = await attach(id, 'stream=1&stdin=1&stdout=1&stderr=1', headers);
      await engine.start(id);
      attached.socket.end('late input');
      await attached.reader.rest();
      assert.equal(await engine.wait(id), 0);
      attached.socket.destroy();
      await engine.remove(id);
    });
  });
}

test('with a terminal, output is raw and echoes', async () => {
  const id = await engine.create({
    Cmd: ['sh', '-c', 'read x; echo "got $x"; test -t 0 && echo tty'],
    Tty: true,
    ...interactive,
  });
  const attached = await attach(id, 'stream=1&stdin=1&stdout=1&stderr=1', upgrade);
  assert.equal(attached.headers['content-type'], 'application/vnd.docker.raw-stream');
  await engine.start(id);
  attached.socket.write('hello\n');
  const screen = (await attached.reader.rest()).toString();
  assert.match(screen, /got hello\r\n/);
  assert.match(screen, /tty\r\n/);
  attached.socket.destroy();
  await engine.remove(id);
});

test('several clients see the same output', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'read go; echo to all'], OpenStdin: true });
  const watchers = await Promise.all([1, 2, 3].map(() => attach(id, 'stream=1&stdout=1', upgrade)));
  const writer = await attach(id, 'stream=1&stdin=1', upgrade);
  await engine.start(id);
  writer.socket.write('go\n');
  for (const watcher of watchers) {
    assert.equal(demultiplex(await watcher.reader.rest()).stdout, 'to all\n');
    watcher.socket.destroy();
  }
  writer.socket.destroy();
  await engine.remove(id);
});

test('logs=1 gives what was written before, then what follows', async () => {
  const id = await engine.started({ Cmd: ['sh', '-c', 'echo before; read x; echo after'], OpenStdin: true });
  await engine.logged(id, 'before');
  const attached = await attach(id, 'stream=1&logs=1&stdin=1&stdout=1', upgrade);
  attached.socket.write('go\n');
  assert.equal(demultiplex(await attached.reader.rest()).stdout, 'before\nafter\n');
  attached.socket.destroy();
  await engine.remove(id);
});

test('logs=1 leaves out nothing and gives nothing twice, whatever is being written', wharfOnly(), async () => {
  const script = 'i=0; while [ $i -lt 60000 ]; do echo $i; i=$((i+1)); done; printf un; read x; echo finished';
  const id = await engine.started({ Cmd: ['sh', '-c', script], OpenStdin: true });
  await engine.logged(id, '1000\n');
  const attached = await attach(id, 'stream=1&logs=1&stdin=1&stdout=1', upgrade);
  attached.socket.write('go\n');
  const { stdout } = demultiplex(await attached.reader.rest());
  assert.equal(stdout, `${Array.from({ length: 60_000 }, (_, i) => `${i}\n`).join('')}unfinished\n`);
  attached.socket.destroy();
  await engine.remove(id);
});

test('logs=1 gives a line that has only begun, too', wharfOnly(), async () => {
  const id = await engine.started({
    Cmd: ['sh', '-c', 'echo one; printf pro >&2; printf "mpt> "; read x'],
    OpenStdin: true,
  });
  const first = await attach(id, 'stream=1&stdout=1&logs=1', upgrade);
  for (let seen = ''; !seen.includes('mpt> '); ) seen += await first.reader.some();
  first.socket.destroy();
  const second = await attach(id, 'stream=1&logs=1&stdin=1&stdout=1&stderr=1', upgrade);
  second.socket.write('go\n');
  assert.deepEqual(demultiplex(await second.reader.rest()), { stdout: 'one\nmpt> ', stderr: 'pro' });
  second.socket.destroy();
  await engine.remove(id);
});

test('only the streams asked for', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'echo out; echo err >&2'] });
  const attached = await attach(id, 'stream=1&stderr=1', upgrade);
  await engine.start(id);
  assert.deepEqual(demultiplex(await attached.reader.rest()), { stdout: '', stderr: 'err\n' });
  attached.socket.destroy();
  await engine.remove(id);
});

test('stdin that is not StdinOnce survives a client that leaves', async () => {
  const id = await engine.started({ Cmd: ['sh', '-c', 'read a; echo "a=$a"; read b; echo "b=$b"'], OpenStdin: true });
  const first = await attach(id, 'stream=1&stdin=1', upgrade);
  first.socket.write('1\n');
  await engine.logged(id, 'a=1');
  first.socket.destroy();
  const second = await attach(id, 'stream=1&stdin=1&stdout=1', upgrade);
  second.socket.write('2\n');
  await engine.logged(id, 'b=2');
  second.socket.destroy();
  assert.equal(await engine.wait(id), 0);
  await engine.remove(id);
});

describe('detach keys', () => {
  for (const [name, query, keys] of [
    ['ctrl-p ctrl-q', '', '\x10\x11'],
    ['of the request', '&detachKeys=ctrl-x,d', '\x18d'],
  ] as const) {
    test(`${name} end the attachment, not the container`, async () => {
      const id = await engine.create({ Cmd: ['cat'], Tty: true, OpenStdin: true });
      const attached = await attach(id, `stream=1&stdin=1&stdout=1${query}`, upgrade);
      await engine.start(id);
      attached.socket.write('x\n');
      await engine.api('POST', `/containers/${id}/resize?h=30&w=90`);
      assert.equal((await attached.reader.exactly(3)).toString(), 'x\r\n');
      attached.socket.write(keys);
      await attached.reader.rest();
      assert.equal((await engine.inspect(id)).State.Running, true);
      attached.socket.destroy();
      await engine.remove(id);
    });
  }

  test('that are none are refused', async () => {
    const id = await engine.sleeping({ Tty: true, OpenStdin: true });
    const attached = await attach(id, 'stream=1&stdin=1&detachKeys=ctrl-doesnotexist', upgrade);
    assert.equal(attached.status, 400);
    attached.socket.destroy();
    await engine.remove(id);
  });
});

test('resize sets the window that the program sees', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'read x; stty size'], Tty: true, OpenStdin: true });
  const attached = await attach(id, 'stream=1&stdin=1&stdout=1', upgrade);
  await engine.start(id);
  assert.equal((await engine.api('POST', `/containers/${id}/resize?h=31&w=97`)).status, 200);
  attached.socket.write('\n');
  assert.match((await attached.reader.rest()).toString(), /31 97/);
  attached.socket.destroy();
  await engine.remove(id);
});

test('a client that reads nothing does not stop the container nor fill the memory', async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'head -c 30000000 /dev/zero | tr "\\0" x; echo finished >&2'] });
  const attached = await attach(id, 'stream=1&stdout=1', upgrade);
  attached.socket.pause();
  await engine.start(id);
  const reader = await attach(id, 'stream=1&stdout=1&stderr=1', upgrade);
  reader.socket.on('data', () => {});
  attached.socket.destroy();
  assert.equal(await engine.wait(id), 0);
  reader.socket.destroy();
  await engine.remove(id);
});

describe('attach/ws', () => {
  test('carries bytes both ways', async () => {
    const id = await engine.create({ Cmd: ['sh', '-c', 'read x; echo "got $x"'], Tty: true, OpenStdin: true });
    const open = await openRequest(
      engine.daemon.socket,
      'GET',
      `/containers/${id}/attach/ws?stream=1&stdin=1&stdout=1`,
      {
        headers: {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          Origin: 'http://localhost',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
      },
    );
    assert.equal(open.status, 101);
    assert.equal(open.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    await engine.start(id);
    open.socket.write(maskedFrame('hi\n'));
    let text = '';
    while (!text.includes('got hi')) {
      const [, length] = await open.reader.exactly(2);
      const size = length === 126 ? (await open.reader.exactly(2)).readUInt16BE() : length!;
      text += (await open.reader.exactly(size)).toString();
    }
    open.socket.destroy();
    await engine.remove(id);
  });
});

function maskedFrame(text: string): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = Buffer.from(text).map((byte, index) => byte ^ mask[index % 4]!);
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length]), mask, payload]);
}
