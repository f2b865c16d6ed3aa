import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { openSocket } from '../harness/http.ts';
import { wharfOnly } from '../harness/target.ts';

/** The daemon is killed with -9 while something is under way that takes its time. */
const engine = useDaemon();

async function reborn(): Promise<void> {
  await engine.daemon.kill();
  await engine.daemon.start();
}

async function until<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new assert.AssertionError({ message: what });
}

const big = tar([{ name: 'big', content: Buffer.alloc(24 << 20, 7) }]);
const archiveType = { 'Content-Type': 'application/x-tar' };

/** Sends half an archive, and the rest never. */
async function halfSent(id: string): Promise<void> {
  const socket = await openSocket(engine.daemon.socket);
  socket.on('error', () => {});
  const head = [`PUT /containers/${id}/archive?path=/ HTTP/1.1`, 'Host: docker', `Content-Length: ${big.length}`];
  socket.write(`${[...head, 'Content-Type: application/x-tar'].join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.write(big.subarray(0, big.length / 2), () => resolve()));
}

describe('in the middle of a copy', () => {
  for (const state of ['running', 'stopped'] as const) {
    test(`into a ${state} container: it can be used, and the copy done again`, wharfOnly(), async () => {
      const spec = { Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL', HostConfig: { Binds: ['copied:/vol'] } };
      const id = state === 'running' ? await engine.started(spec) : await engine.create(spec);
      await halfSent(id);
      await reborn();
      if (state === 'stopped') await engine.start(id);
      const again = await engine.daemon.api('PUT', `/containers/${id}/archive?path=/`, big, { headers: archiveType });
      assert.equal(again.status, 200, again.text);
      assert.equal((await engine.exec(id, ['wc', '-c', '/big'])).stdout.split(' ')[0], String(24 << 20));
      await engine.remove(id);
    });
  }

  test('out of one: nothing of it stays mounted or open', wharfOnly(), async () => {
    const id = await engine.create({ HostConfig: { Binds: ['copied:/vol'] } });
    await engine.daemon.api('PUT', `/containers/${id}/archive?path=/vol`, big, { headers: archiveType });
    const open = await engine.daemon.open('GET', `/containers/${id}/archive?path=/vol`);
    open.socket.pause();
    await reborn();
    open.socket.destroy();
    await engine.start(id);
    await engine.remove(id);
    const volume = await engine.api('DELETE', '/volumes/copied');
    assert.equal(volume.status, 204, volume.text);
  });
});

describe('in the middle of what runs in a container', () => {
  const processes = async (id: string, name: string) => {
    const { json } = await engine.api('GET', `/containers/${id}/top?ps_args=-o%20pid,args`);
    return (json.Processes as string[][]).filter(([, args]) => args?.includes(name)).length;
  };

  test('a check of its health: it is checked again, and checks do not pile up', wharfOnly(), async () => {
    const id = await engine.sleeping({
      Healthcheck: {
        Test: ['CMD-SHELL', 'test -e /well || sleep 777'],
        Interval: 50_000_000,
        Timeout: 3_600_000_000_000,
        Retries: 1,
      },
    });
    for (let round = 0; round < 3; round += 1) {
      await until(async () => (await processes(id, 'sleep 777')) > 0, 'no check began');
      await reborn();
    }
    await until(async () => (await processes(id, 'sleep 777')) > 0, 'no check began');
    const hanging = await processes(id, 'sleep 777');
    assert.ok(hanging <= 2, `${hanging} processes of checks hang`);
    await engine.remove(id);
  });

  test('an exec: it goes on, and goes with its container', wharfOnly(), async () => {
    const id = await engine.sleeping();
    const { json } = await engine.api('POST', `/containers/${id}/exec`, {
      Cmd: ['sh', '-c', 'sleep 0.3; touch /done; sleep 888'],
    });
    assert.equal((await engine.api('POST', `/exec/${json.Id}/start`, { Detach: true })).status, 200);
    await reborn();
    await until(async () => (await engine.exec(id, ['test', '-e', '/done'])).code === 0, 'the exec did not go on');
    assert.ok((await processes(id, 'sleep 888')) > 0);
    await engine.remove(id);
  });

  test('the rotation of its log: no line is lost, doubled or torn', wharfOnly(), async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo "line $i"; done'],
      HostConfig: {
        LogConfig: { Type: 'json-file', Config: { 'max-size': '300k', 'max-file': '100', compress: 'true' } },
      },
    });
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await reborn();
    }
    assert.equal(await engine.wait(id), 0);
    const lines = (await engine.logs(id)).stdout.trimEnd().split('\n');
    assert.equal(lines.length, 60_000);
    assert.equal(
      lines.findIndex((line, index) => line !== `line ${index + 1}`),
      -1,
    );
    await engine.remove(id);
  });
});
