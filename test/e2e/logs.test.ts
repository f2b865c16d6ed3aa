import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { demultiplex } from '../harness/stdcopy.ts';

const engine = useDaemon();

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /;

async function finished(script: string, spec: Record<string, unknown> = {}): Promise<string> {
  const id = await engine.started({ Cmd: ['sh', '-c', script], ...spec });
  await engine.wait(id);
  return id;
}

describe('tail', () => {
  for (const [tail, expected] of [
    ['all', '1\n2\n3\n4\n5\n'],
    ['2', '4\n5\n'],
    ['0', ''],
    ['100', '1\n2\n3\n4\n5\n'],
    ['nonsense', '1\n2\n3\n4\n5\n'],
  ] as const) {
    test(tail, async () => {
      const id = await finished('seq 5');
      assert.equal((await engine.logs(id, `&tail=${tail}`)).stdout, expected);
      await engine.remove(id);
    });
  }

  test('counts lines of both streams', async () => {
    const id = await finished('echo 1; sleep 0.01; echo 2 >&2; sleep 0.01; echo 3');
    assert.deepEqual(await engine.logs(id, '&tail=2'), { stdout: '3\n', stderr: '2\n' });
    await engine.remove(id);
  });
});

test('timestamps are of nanoseconds, in UTC', async () => {
  const id = await finished('echo one; echo two');
  const lines = (await engine.logs(id, '&timestamps=1')).stdout.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, stamp);
  assert.ok(lines[0]! < lines[1]!);
  await engine.remove(id);
});

test('since and until cut by time', async () => {
  const id = await finished('echo early; sleep 0.3; echo late');
  const lines = (await engine.logs(id, '&timestamps=1')).stdout.split('\n');
  const middle = ((Date.parse(lines[0]!.split(' ')[0]!) + Date.parse(lines[1]!.split(' ')[0]!)) / 2000).toFixed(9);
  assert.equal((await engine.logs(id, `&since=${middle}`)).stdout, 'late\n');
  assert.equal((await engine.logs(id, `&until=${middle}`)).stdout, 'early\n');
  await engine.remove(id);
});

test('one stream alone', async () => {
  const id = await finished('echo out; echo err >&2');
  const { text } = await engine.api('GET', `/containers/${id}/logs?stderr=1`);
  assert.deepEqual(demultiplex(Buffer.from(text)), { stdout: '', stderr: 'err\n' });
  await engine.remove(id);
});

test('neither stream is refused', async () => {
  const id = await engine.create();
  const answer = await engine.api('GET', `/containers/${id}/logs`);
  assert.equal(answer.status, 400);
  assert.equal(answer.json.message, 'Bad parameters: you must choose at least one stream');
  await engine.remove(id);
});

test('a terminal’s log is raw', async () => {
  const id = await finished('echo hello', { Tty: true });
  const answer = await engine.api('GET', `/containers/${id}/logs?stdout=1`);
  assert.equal(answer.text, 'hello\r\n');
  await engine.remove(id);
});

test('a line without an end, long lines and odd bytes are kept as they are', async () => {
  const id = await finished(`printf 'a"\\\\\\t\\033[1m'; head -c 40000 /dev/zero | tr '\\0' z; printf '\\nlast'`);
  assert.equal((await engine.logs(id)).stdout, `a"\\\t\x1b[1m${'z'.repeat(40000)}\nlast`);
  await engine.remove(id);
});

test('100,000 lines come back in order', async () => {
  const id = await finished('seq 100000');
  const { stdout } = await engine.logs(id);
  assert.equal(stdout, Array.from({ length: 100000 }, (_, index) => `${index + 1}\n`).join(''));
  await engine.remove(id);
});

describe('follow', () => {
  test('gives what is there, then each line as it comes, and ends with the container', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'echo 1; read x; echo 2; read x; echo 3'], OpenStdin: true });
    await engine.logged(id, '1');
    const writer = await engine.daemon.open('POST', `/containers/${id}/attach?stream=1&stdin=1`, undefined, {
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    });
    const follow = await engine.daemon.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
    let frames = Buffer.alloc(0);
    for await (const chunk of follow.body) {
      const lines = frames.toString('latin1').split('\n').length;
      frames = Buffer.concat([frames, chunk]);
      if (frames.toString('latin1').split('\n').length > lines) writer.socket.write('\n');
    }
    assert.equal(demultiplex(frames).stdout, '1\n2\n3\n');
    follow.socket.destroy();
    writer.socket.destroy();
    await engine.remove(id);
  });

  test('of a stopped container ends at once', async () => {
    const id = await finished('echo over');
    assert.equal((await engine.logs(id, '&follow=1')).stdout, 'over\n');
    await engine.remove(id);
  });

  test('with tail=0 starts at the end', async () => {
    const id = await engine.started({ Cmd: ['sh', '-c', 'echo old; read x; echo new'], OpenStdin: true });
    await engine.logged(id, 'old');
    const follow = await engine.daemon.open('GET', `/containers/${id}/logs?stdout=1&follow=1&tail=0`);
    const writer = await engine.daemon.open('POST', `/containers/${id}/attach?stream=1&stdin=1`, undefined, {
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    });
    writer.socket.write('\n');
    const chunks: Buffer[] = [];
    for await (const chunk of follow.body) chunks.push(chunk);
    assert.equal(demultiplex(Buffer.concat(chunks)).stdout, 'new\n');
    follow.socket.destroy();
    writer.socket.destroy();
    await engine.remove(id);
  });
});

test('max-size and max-file rotate, and the reader sees the files as one', async () => {
  const LogConfig = { Type: 'json-file', Config: { 'max-size': '10k', 'max-file': '3' } };
  const id = await finished('seq 2000', { HostConfig: { LogConfig } });
  const { stdout } = await engine.logs(id);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.at(-1), '2000');
  assert.ok(lines.length < 2000 && lines.length > 200, `${lines.length} lines are left`);
  await engine.remove(id);
});

test('the log driver none keeps nothing, and says so', async () => {
  const id = await finished('echo lost', { HostConfig: { LogConfig: { Type: 'none' } } });
  const answer = await engine.api('GET', `/containers/${id}/logs?stdout=1`);
  assert.match(answer.text, /configured logging driver does not support reading/);
  await engine.remove(id);
});
