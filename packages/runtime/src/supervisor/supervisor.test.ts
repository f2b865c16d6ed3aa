import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freezeCgroup } from '@wharf/sys/cgroup';
import { collect, pipes, says, TestContainers, terminal, withStdin } from './test-containers.ts';

// crun 1.8 leaves the size of an exec's terminal to whoever gets the terminal, while the program runs already.
const waitForSize = 'while size=$(stty size 2>/dev/null); [ -z "$size" ]; do :; done; echo $size; exit 2';
const all = { stdin: true, stdout: true, stderr: true };
const output = { stdin: false, stdout: true, stderr: true };

for (const name of TestContainers.available()) {
  describe(`supervisor with ${name}`, () => {
    let containers: TestContainers;
    before(async () => {
      containers = new TestContainers(name);
      await containers.connect();
    });
    after(() => containers.close());

    const logOf = (id: string) =>
      readFileSync(containers.logPath(id), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const { log, stream } = JSON.parse(line) as { log: string; stream: string };
          return `${stream === 'stdout' ? 1 : 2}:${log}`;
        });

    test('attached before the start: first byte, both streams, exit code, log, and nothing left after delete', async () => {
      const { client } = containers;
      const stream = await client.attach('a', undefined, output);
      const read = collect(stream);
      await containers.run(containers.request('a', 'echo out; echo err >&2; exit 3'));
      const exit = await containers.exited('a');
      assert.deepEqual([exit.exitCode, exit.oomKilled], [3, false]);
      assert.deepEqual((await read).split('\n').sort(), ['', '1:out', '2:err']);
      await client.drained('a');
      assert.deepEqual(logOf('a').sort(), ['1:out\n', '2:err\n']);
      assert.deepEqual(JSON.parse(readFileSync(join(containers.root, 'supervisor/exits/a'), 'utf8')), exit);
      assert.ok(containers.cgroupsOf('a').length > 0);
      await client.delete('a');
      assert.deepEqual(containers.cgroupsOf('a'), []);
      assert.ok(!existsSync(join(containers.runtime.root, 'a')));
      assert.ok(!existsSync(join(containers.root, 'supervisor/exits/a')));
      await client.delete('a');
    });

    test('a signal is 128 + its number; signalling what has ended is a conflict', async () => {
      const { client } = containers;
      await containers.run(containers.request('signal', 'sleep 1000'));
      await client.kill('signal', 9);
      assert.equal((await containers.exited('signal')).exitCode, 137);
      await assert.rejects(client.kill('signal', 9), { code: 'conflict' });
      await assert.rejects(client.kill('nobody', 9), { code: 'not_found' });
    });

    test('stdin: what a client sends before there is a process, and its end', async () => {
      const { client } = containers;
      const stream = await client.attach('cat', undefined, all);
      stream.end('hello\n'.repeat(1000));
      const read = collect(stream);
      await containers.run(containers.request('cat', 'cat; exit 4', withStdin));
      assert.equal((await containers.exited('cat')).exitCode, 4);
      assert.equal((await read).replaceAll('1:', ''), 'hello\n'.repeat(1000));
    });

    test('stdin: without stdinOnce a client’s end is its own', async () => {
      const { client } = containers;
      await containers.run(containers.request('keep', 'read a; read b; exit 6', { ...withStdin, stdinOnce: false }));
      for (const word of ['one\n', 'two\n']) {
        const stream = await client.attach('keep', undefined, all);
        stream.end(word);
        stream.resume();
        await once(stream, 'end');
      }
      assert.equal((await containers.exited('keep')).exitCode, 6);
    });

    test('a terminal has the size it was given, and a new one', async () => {
      const { client } = containers;
      const stream = await client.attach('tty', undefined, all);
      await client.resize('tty', undefined, { rows: 20, columns: 70 });
      const script = `trap 'stty size; exit 5' WINCH; stty size; while true; do sleep 0.1; done`;
      const request = containers.request('tty', script, { ...terminal, size: { rows: 40, columns: 132 } });
      await client.create(request);
      const first = says(stream, '40 132\r\n');
      await client.start('tty');
      await first;
      const second = says(stream, '50 80\r\n');
      await client.resize('tty', undefined, { rows: 50, columns: 80 });
      await second;
      assert.equal((await containers.exited('tty')).exitCode, 5);
    });

    test('a slow reader holds the container back, and gets every byte in the end', async () => {
      const { client } = containers;
      const stream = await client.attach('slow', undefined, output);
      const script = 'dd if=/dev/zero bs=65536 count=160 2>/dev/null; echo done >&2';
      await containers.run(containers.request('slow', script, pipes, { log: { driver: 'none' } }));
      const fast = await client.attach('slow', undefined, { stdin: false, stdout: false, stderr: true });
      let ended = false;
      const exited = containers.exited('slow').then(() => {
        ended = true;
      });
      // Both ends of both sockets and the pipe are full long before 10 MB have passed.
      await client.ping();
      assert.equal(ended, false);
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
      });
      await once(stream, 'end');
      await exited;
      assert.ok(size > 160 * 65536);
      assert.equal(await collect(fast), '2:done\n');
    });

    test('a client that only detaches, or dies, holds nobody back', async () => {
      const { client } = containers;
      const stream = await client.attach('detached', undefined, output);
      const log = { driver: 'none' } as const;
      await containers.run(
        containers.request('detached', 'dd if=/dev/zero bs=65536 count=160 2>/dev/null', pipes, { log }),
      );
      stream.destroy();
      assert.equal((await containers.exited('detached')).exitCode, 0);
    });

    test('a daemon killed by SIGKILL loses no line and no exit', async () => {
      const { client } = containers;
      const request = containers.request('crash', 'echo one; read x; echo two; exit 42', {
        ...withStdin,
        stdinOnce: false,
      });
      const script = `
        import { connectSupervisor } from ${JSON.stringify(fileURLToPath(new URL('./client.ts', import.meta.url)))};
        const client = await connectSupervisor(${JSON.stringify({ execRoot: containers.root, spawn: containers.command })});
        await client.create(${JSON.stringify(request)});
        await client.start('crash');
        console.log('started');`;
      const file = join(containers.root, 'daemon.ts');
      writeFileSync(file, script);
      const daemon = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(daemon.stdout, 'data');
      daemon.kill('SIGKILL');
      await once(daemon, 'exit');
      const stream = await client.attach('crash', undefined, all);
      stream.write('go\n');
      assert.equal((await containers.exited('crash')).exitCode, 42);
      await client.drained('crash');
      assert.deepEqual(logOf('crash'), ['1:one\n', '1:two\n']);
      const late = await containers.newClient();
      const told = new Promise((resolve) => late.onExit((exit) => exit.id === 'crash' && resolve(exit.exitCode)));
      assert.equal(await told, 42);
      late.close();
    });

    test('exec: exit code, own stdio, a terminal, and errors that say why', async () => {
      const { client } = containers;
      await containers.run(containers.request('host', 'sleep 1000'));
      const exec = async (execId: string, args: string[], io = pipes) => {
        const stream = await client.attach('host', execId, { ...output, stdin: io.stdin });
        if (io.stdin) stream.end('typed\n');
        const read = collect(stream, io.tty);
        const { runtime } = containers;
        await client.exec({ id: 'host', execId, runtime, process: containers.process(args, io.tty), io });
        const { exitCode } = await containers.exited('host', execId);
        return [exitCode, await read];
      };
      assert.deepEqual(await exec('code', ['sh', '-c', 'echo hi; exit 9']), [9, '1:hi\n']);
      assert.deepEqual(await exec('stdin', ['cat'], withStdin), [0, '1:typed\n']);
      const [code, text] = await exec('tty', ['sh', '-c', waitForSize], {
        ...terminal,
        stdin: false,
        size: { rows: 11, columns: 22 },
      });
      assert.deepEqual([code, text], [2, '11 22\r\n']);
      const rows = [
        ['nosuch', 'cmd_not_found', /exec: "nosuch": executable file not found in \$PATH: unknown$/],
        ['/nosuch', 'cmd_not_found', /exec: "\/nosuch": .*no such file or directory: unknown$/],
        ['/etc', 'cmd_not_executable', /exec: "\/etc": .*permission denied: unknown$/],
        ['/etc/text', 'cmd_not_executable', /exec: "\/etc\/text": permission denied: unknown$/],
      ] as const;
      for (const [program, reason, message] of rows) {
        await assert.rejects(exec(`bad${program.replaceAll('/', '_')}`, [program]), { reason, message });
      }
      await assert.rejects(
        client.exec({ id: 'none', execId: 'x', runtime: containers.runtime, process: {}, io: pipes }),
        {
          code: 'conflict',
        },
      );
      await client.delete('host');
    });

    test('create: a program that is not there leaves nothing', async () => {
      const { client } = containers;
      const stream = await client.attach('bad', undefined, output);
      const request = containers.request('bad', 'true');
      const config = JSON.parse(readFileSync(join(request.bundle, 'config.json'), 'utf8')) as {
        process: { args: string[] };
      };
      config.process.args = ['nosuch'];
      writeFileSync(join(request.bundle, 'config.json'), JSON.stringify(config));
      await assert.rejects(client.create(request), {
        reason: 'cmd_not_found',
        message: /^failed to create task for container: /,
      });
      assert.equal(await collect(stream), '');
      assert.deepEqual(containers.cgroupsOf('bad'), []);
      await containers.run(containers.request('bad', 'exit 1'));
      assert.equal((await containers.exited('bad')).exitCode, 1);
    });

    test('out of memory is told from other ends', async () => {
      const script = 'dd if=/dev/zero of=/dev/null bs=200M count=1; true';
      await containers.run(containers.request('oom', script, pipes, { memory: 20 * 1024 * 1024 }));
      assert.equal((await containers.exited('oom')).oomKilled, true);
    });

    test('delete ends a frozen container, with its execs', async () => {
      const { client, runtime } = containers;
      const pid = await containers.run(containers.request('frozen', 'sleep 1000'));
      await client.exec({
        id: 'frozen',
        execId: 'in',
        runtime,
        process: containers.process(['sleep', '1000']),
        io: pipes,
      });
      await freezeCgroup(pid, true);
      await client.delete('frozen');
      assert.equal((await containers.exited('frozen')).exitCode, 137);
      assert.equal((await containers.exited('frozen', 'in')).exitCode, 137);
      assert.deepEqual(containers.cgroupsOf('frozen'), []);
    });

    test('an upgrade keeps pid, terminals, clients and calls', async () => {
      const { client } = containers;
      const stream = await client.attach('upgrade', undefined, all);
      await containers.run(containers.request('upgrade', 'echo before; read a; echo got $a; exit 8', terminal));
      await says(stream, 'before');
      const { pid } = await client.ping();
      const drained = client.drained('upgrade');
      await client.upgrade();
      assert.equal((await client.ping()).pid, pid);
      const heard = says(stream, 'got word');
      stream.write('word\n');
      await heard;
      assert.equal((await containers.exited('upgrade')).exitCode, 8);
      await drained;
      assert.deepEqual(logOf('upgrade').at(-1), '1:got word\r\n');
    });

    test('twenty at once, and no descriptor too many afterwards', async () => {
      const { client } = containers;
      for (const { id } of await client.list()) await client.delete(id);
      const before = await containers.descriptors();
      const ids = Array.from({ length: 20 }, (_, index) => `many${index}`);
      const codes = await Promise.all(
        ids.map(async (id, index) => {
          const stream = await client.attach(id, undefined, output);
          const read = collect(stream);
          await containers.run(containers.request(id, `echo ${id}; exit ${index}`));
          const { exitCode } = await containers.exited(id);
          assert.equal(await read, `1:${id}\n`);
          await client.delete(id);
          return exitCode;
        }),
      );
      assert.deepEqual(
        codes,
        ids.map((_, index) => index),
      );
      assert.equal(await containers.descriptors(), before);
      assert.deepEqual(await client.list(), []);
    });

    test('a supervisor killed by SIGKILL is replaced, and its containers are found again', async () => {
      const { client } = containers;
      await containers.run(containers.request('found', 'sleep 1000'));
      await containers.run(containers.request('ended', 'exit 7'));
      await containers.exited('ended');
      const { pid } = await client.ping();
      process.kill(pid, 'SIGKILL');
      await assert.rejects(client.drained('found'), { code: 'unavailable' });
      const states = new Map((await client.list()).map((state) => [state.id, state]));
      assert.equal(states.get('found')?.status, 'running');
      assert.equal(states.get('ended')?.exit?.exitCode, 7);
      await client.kill('found', 9);
      assert.equal((await containers.exited('found')).exitCode, 255);
      await client.delete('found');
      assert.deepEqual(containers.cgroupsOf('found'), []);
    });
  });
}
