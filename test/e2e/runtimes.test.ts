import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

for (const Runtime of ['crun', 'runc']) {
  describe(`with ${Runtime}`, () => {
    const spec = { HostConfig: { Runtime } };

    test('run, with every kind of limit', wharfOnly(), async () => {
      const HostConfig = {
        ...spec.HostConfig,
        ...{ Memory: 67108864, NanoCpus: 500_000_000, PidsLimit: 50, CpusetCpus: '0', CpuShares: 512 },
        ...{ ReadonlyRootfs: true, Tmpfs: { '/t': '' }, Binds: ['runtimes:/data'], CapDrop: ['ALL'], ShmSize: 1048576 },
        ...{ Sysctls: { 'net.ipv4.ip_forward': '0' }, Ulimits: [{ Name: 'nofile', Soft: 64, Hard: 64 }], Init: true },
        ...{ SecurityOpt: ['no-new-privileges'], BlkioWeight: 0, OomScoreAdj: 5 },
      };
      const out = await engine.sh(
        'cat /data/seed; ulimit -n; touch /t/x && echo tmpfs; touch /x || echo read-only; exit 3',
        { HostConfig },
      );
      assert.deepEqual([out.code, out.stdout], [3, 'from the image\n64\ntmpfs\nread-only\n'], out.stderr);
      await engine.api('DELETE', '/volumes/runtimes');
    });

    test('what lists processes right after a start finds the program, not the runtime', async () => {
      for (let round = 0; round < 8; round++) {
        const id = await engine.sleeping(spec);
        const { json } = await engine.api('GET', `/containers/${id}/top?ps_args=-o%20pid,comm`);
        assert.deepEqual(
          json.Processes.map((row: string[]) => row[1]),
          ['sleep'],
        );
        await engine.remove(id);
      }
    });

    test('exec, pause, stop, start again, kill', wharfOnly(), async () => {
      const id = await engine.sleeping(spec);
      assert.equal((await engine.inspect(id)).HostConfig.Runtime, Runtime);
      assert.deepEqual(await engine.exec(id, ['sh', '-c', 'echo hi; exit 2']), { code: 2, stdout: 'hi\n', stderr: '' });
      assert.equal((await engine.api('POST', `/containers/${id}/pause`)).status, 204);
      assert.equal((await engine.api('POST', `/containers/${id}/unpause`)).status, 204);
      assert.equal((await engine.api('POST', `/containers/${id}/stop?t=1`)).status, 204);
      await engine.start(id);
      assert.equal((await engine.api('POST', `/containers/${id}/kill`)).status, 204);
      assert.equal(await engine.wait(id), 137);
      await engine.remove(id);
    });

    test('a terminal', wharfOnly(), async () => {
      const name = `tty-${Runtime}`;
      const shell = engine.daemon.terminal(
        'docker',
        ['run', '--runtime', Runtime, '--rm', '-it', '--name', name, 'busybox', 'sh'],
        90,
        30,
      );
      await shell.shows('# ');
      shell.type('stty size; exit 6\n');
      await shell.shows('30 90');
      assert.equal(await shell.exited, 6);
    });

    for (const [name, Cmd, code] of [
      ['not there', ['nope'], 127],
      ['a directory', ['/etc'], 126],
      ['not executable', ['/etc/not-executable'], 126],
    ] as const) {
      test(`a command that is ${name} gives ${code}`, wharfOnly(), async () => {
        const id = await engine.create({ Cmd, ...spec });
        assert.equal((await engine.api('POST', `/containers/${id}/start`)).status, 400);
        assert.equal((await engine.inspect(id)).State.ExitCode, code);
        await engine.remove(id);
      });
    }

    test('twenty at once', wharfOnly(), async () => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => engine.sh(`exit ${index}`, spec)));
      assert.deepEqual(
        outcomes.map((outcome) => outcome.code),
        outcomes.map((_, index) => index),
      );
    });
  });
}
