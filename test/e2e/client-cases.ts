import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Fixture } from '../harness/fixture.ts';
import type { RunOptions } from '../harness/run.ts';

/** What people do at a shell, for both clients: words, columns, exit codes and terminals are the same. */
export function clientCases(engine: Fixture, client: 'docker' | 'wharf'): void {
  const cli = (args: readonly string[], options?: RunOptions) => engine.daemon[client](args, options);
  const succeeds = async (args: readonly string[], options?: RunOptions) => {
    const out = await cli(args, options);
    assert.equal(out.code, 0, `${args.join(' ')}: ${out.stderr}`);
    return out.stdout;
  };

  describe('run', () => {
    test('prints what the container prints, and ends as it ends', async () => {
      const out = await cli(['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 9']);
      assert.deepEqual(out, { code: 9, stdout: 'out\n', stderr: 'err\n' });
    });

    test('-i reads piped input to its end', async () => {
      const input = 'line\n'.repeat(20_000);
      assert.equal(await succeeds(['run', '--rm', '-i', 'busybox', 'cat'], { stdin: input }), input);
    });

    test('-d prints the id', async () => {
      const id = (await succeeds(['run', '-d', '--name', 'background', 'busybox', 'sleep', '1000'])).trim();
      assert.match(id, /^[0-9a-f]{64}$/);
      assert.equal(await succeeds(['rm', '-f', 'background']), 'background\n');
    });

    for (const [name, args, code, message] of [
      ['no such image', ['run', '--pull=never', '--rm', 'nope:none'], 125, /No such image: nope:none/],
      ['no such command', ['run', '--rm', 'busybox', 'nope'], 127, /executable file not found in \$PATH/],
      ['a directory as command', ['run', '--rm', 'busybox', '/etc'], 126, /(permission denied|is a directory)/],
      ['a flag that is none', ['run', '--dream', 'busybox'], 125, /unknown flag: --dream/],
      ['killed by a signal', ['run', '--rm', 'busybox', 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], 137, /^/],
      [
        'a bind that is none',
        ['run', '--rm', '--mount', 'type=bind,src=/no/such,dst=/x', 'busybox'],
        125,
        /bind source path does not exist: \/no\/such/,
      ],
    ] as const) {
      test(`exit code of ${name}: ${code}`, async () => {
        const out = await cli(args);
        assert.equal(out.code, code, out.stderr);
        assert.match(out.stderr, message);
      });
    }

    test('options reach the container', async () => {
      const out = await succeeds([
        ...['run', '--rm', '-e', 'A=1', '-w', '/tmp', '-u', '1000:2000', '--hostname', 'h', '--add-host', 'x:9.9.9.9'],
        ...['-m', '64m', '--cpus', '0.5', '--pids-limit', '50', '--read-only', '--tmpfs', '/t', '-v', '/etc:/host:ro'],
        ...[
          '--cap-drop',
          'ALL',
          '--security-opt',
          'no-new-privileges',
          '--ulimit',
          'nofile=99:99',
          '--init',
          '--entrypoint',
          'sh',
        ],
        ...[
          '-l',
          'a=b',
          '--stop-signal',
          'SIGINT',
          '--network',
          'none',
          '--shm-size',
          '1m',
          '--dns',
          '1.1.1.1',
          'busybox',
        ],
        ...[
          '-c',
          'echo $A $(pwd) $(id -u):$(id -g) $(hostname) $(ulimit -n); grep -c 9.9.9.9 /etc/hosts; test -e /host/passwd && echo bind',
        ],
      ]);
      assert.equal(out, '1 /tmp 1000:2000 h 99\n1\nbind\n');
    });
  });

  describe('on a terminal', () => {
    test('run -it: a shell with a prompt, its size, resizes, and its exit code', async () => {
      const shell = engine.daemon.terminal(client, ['run', '--rm', '-it', 'busybox', 'sh'], 101, 37);
      await shell.shows('# ');
      shell.type('stty size\n');
      await shell.shows('37 101');
      shell.resize(66, 22);
      shell.type('sleep 0.3; stty size\n');
      await shell.shows('22 66');
      shell.type('exit 5\n');
      assert.equal(await shell.exited, 5);
    });

    test('ctrl-c reaches the program, not the client', async () => {
      const shell = engine.daemon.terminal(client, ['run', '--rm', '-it', 'busybox', 'sh']);
      await shell.shows('# ');
      shell.type('sleep 1000; echo code $?\n');
      await shell.shows('echo code $?');
      await new Promise((resolve) => setTimeout(resolve, 300));
      shell.type('\x03');
      await shell.shows('# ');
      shell.type('exit 0\n');
      await shell.exited;
    });

    test('detach keys leave the container running, attach comes back to it', async () => {
      const name = `detached-${client}`;
      const shell = engine.daemon.terminal(client, ['run', '-it', '--name', name, 'busybox', 'sh']);
      await shell.shows('# ');
      shell.type('\x10\x11');
      assert.equal(await shell.exited, 0);
      const again = engine.daemon.terminal(client, ['attach', name]);
      again.type('\n');
      await again.shows('# ');
      again.type('echo here $((1+1))\n');
      await again.shows('here 2');
      again.type('exit 3\n');
      assert.equal(await again.exited, 3);
      await succeeds(['rm', name]);
    });

    test('exec -it', async () => {
      const id = await engine.sleeping();
      const shell = engine.daemon.terminal(client, ['exec', '-it', id, 'sh']);
      await shell.shows('# ');
      shell.type('tty; exit 4\n');
      await shell.shows('/dev/pts/');
      assert.equal(await shell.exited, 4);
      await engine.remove(id);
    });

    test('--detach-keys of one’s own', async () => {
      const id = await engine.sleeping();
      const shell = engine.daemon.terminal(client, ['exec', '--detach-keys', 'ctrl-x', '-it', id, 'sh']);
      await shell.shows('# ');
      shell.type('\x18');
      await shell.exited;
      assert.equal((await engine.inspect(id)).State.Running, true);
      await engine.remove(id);
    });
  });

  describe('exec', () => {
    test('output, input, code, user and directory', async () => {
      const id = await engine.sleeping();
      assert.deepEqual(await cli(['exec', id, 'sh', '-c', 'echo o; echo e >&2; exit 6']), {
        code: 6,
        stdout: 'o\n',
        stderr: 'e\n',
      });
      assert.equal(await succeeds(['exec', '-i', id, 'cat'], { stdin: 'piped' }), 'piped');
      assert.equal(
        await succeeds(['exec', '-u', 'user', '-w', '/etc', '-e', 'X=y', id, 'sh', '-c', 'id -un; pwd; echo $X']),
        'user\n/etc\ny\n',
      );
      const missing = await cli(['exec', id, 'nope']);
      assert.ok(missing.code === 127 || missing.code === 126, String(missing.code));
      await engine.remove(id);
    });
  });

  describe('looking', () => {
    test('ps: columns, -q, -a, filters and formats', async () => {
      const running = await engine.sleeping({ Labels: { cli: client } }, `seen-${client}`);
      const stopped = await engine.create({ Labels: { cli: client } }, `unseen-${client}`);
      const filter = ['--filter', `label=cli=${client}`];
      const table = await succeeds(['ps', ...filter]);
      assert.match(table, /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n/);
      assert.match(
        table,
        new RegExp(`^${running.slice(0, 12)} +busybox +"sleep 1000" +.* ago +Up .* +seen-${client}\n$`, 'm'),
      );
      assert.equal(await succeeds(['ps', '-q', ...filter]), `${running.slice(0, 12)}\n`);
      assert.equal(await succeeds(['ps', '-aq', '--no-trunc', ...filter]), `${stopped}\n${running}\n`);
      assert.equal(
        await succeeds(['ps', ...filter, '--format', '{{.Names}}: {{.State}} {{.Label "cli"}}']),
        `seen-${client}: running ${client}\n`,
      );
      assert.equal(JSON.parse(await succeeds(['ps', ...filter, '--format', 'json'])).Names, `seen-${client}`);
      assert.match(
        await succeeds(['ps', '-a', ...filter, '--format', 'table {{.Names}}\t{{.Status}}']),
        /^NAMES +STATUS\n/,
      );
      await engine.remove(running);
      await engine.remove(stopped);
    });

    test('inspect -f, and what is not there', async () => {
      const id = await engine.create({ Env: ['A=b'] }, `inspected-${client}`);
      assert.equal(
        await succeeds(['inspect', '-f', '{{.State.Status}} {{json .Config.Cmd}} {{len .Config.Env}}', id]),
        'created ["sh"] 2\n',
      );
      assert.equal(
        await succeeds(['inspect', '-f', '{{range .Config.Env}}{{.}};{{end}}', id]),
        'A=b;PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;\n',
      );
      const missing = await cli(['inspect', 'nothing-like-it']);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /No such object: nothing-like-it/i);
      assert.equal(missing.stdout, '[]\n');
      await engine.remove(id);
    });

    test('logs -f --tail --timestamps --since', async () => {
      const id = await engine.started({ Cmd: ['sh', '-c', 'seq 5; sleep 0.2; echo end'] });
      assert.equal(await succeeds(['logs', '-f', '--tail', '2', id]).then((text) => text.split('\n').at(-2)), 'end');
      assert.match(await succeeds(['logs', '-t', '--tail', '1', id]), /^\d{4}-.*Z end\n$/);
      assert.equal((await succeeds(['logs', '--since', '10m', id])).split('\n').length, 7);
      assert.equal(await succeeds(['logs', '--since', '2100-01-01T00:00:00', id]), '');
      await engine.remove(id);
    });

    test('events --since --until --filter', async () => {
      const id = await engine.create({}, `eventful-${client}`);
      await engine.remove(id);
      const until = (Date.now() / 1000 + 0.05).toFixed(3);
      const out = await succeeds([
        'events',
        '--since',
        '10m',
        '--until',
        until,
        '--filter',
        `container=${id}`,
        '--format',
        '{{.Action}}',
      ]);
      assert.equal(out, 'create\ndestroy\n');
    });

    test('top, port, version, info, images, history', async () => {
      const id = await engine.sleeping({
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '45999' }] } },
      });
      // Started is what may still be on its way from the runtime to its program.
      for (let attempt = 0; attempt < 50 && !/sleep 1000/.test(await succeeds(['top', id])); attempt++);
      assert.match(await succeeds(['top', id]), /sleep 1000/);
      assert.match(await succeeds(['port', id]), /^80\/tcp -> 0\.0\.0\.0:45999$/m);
      assert.match(await succeeds(['version']), /Client:[\s\S]*Server:/);
      assert.match(await succeeds(['version', '--format', '{{.Server.Version}}']), /^\d+\./);
      assert.match(await succeeds(['info', '--format', '{{.ContainersRunning}} {{.OSType}}']), /^\d+ linux\n$/);
      assert.match(await succeeds(['images']), /^(REPOSITORY|IMAGE)[\s\S]*busybox/);
      assert.match(await succeeds(['images', '--format', '{{.Repository}}:{{.Tag}}']), /^busybox:latest$/m);
      assert.match(await succeeds(['history', 'busybox']), /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n/);
      await engine.remove(id);
    });
  });

  describe('changing', () => {
    test('create, start -a, wait, stop, kill -s, restart, pause, rename, rm', async () => {
      const name = `changed-${client}`;
      const id = (await succeeds(['create', '--name', name, 'busybox', 'sh', '-c', 'echo hi; exit 2'])).trim();
      const started = await cli(['start', '-a', name]);
      assert.deepEqual([started.code, started.stdout], [2, 'hi\n']);
      assert.equal(await succeeds(['wait', name]), '2\n');
      await succeeds(['rm', id]);
      await succeeds(['run', '-d', '--name', name, 'busybox', 'sleep', '1000']);
      assert.equal(await succeeds(['pause', name]), `${name}\n`);
      assert.equal(await succeeds(['unpause', name]), `${name}\n`);
      assert.equal(await succeeds(['restart', '-t', '0', name]), `${name}\n`);
      assert.equal(await succeeds(['kill', '-s', 'KILL', name]), `${name}\n`);
      assert.equal(await succeeds(['wait', name]), '137\n');
      await succeeds(['start', name]);
      assert.equal(await succeeds(['stop', '-t', '0', name]), `${name}\n`);
      await succeeds(['rename', name, `${name}-2`]);
      assert.equal(await succeeds(['rm', `${name}-2`]), `${name}-2\n`);
      const gone = await cli(['start', name]);
      assert.equal(gone.code, 1);
      assert.match(gone.stderr, new RegExp(`No such container: ${name}`));
    });

    test('volume and network commands', async () => {
      assert.equal(await succeeds(['volume', 'create', '--label', 'x=y', 'shelf']), 'shelf\n');
      assert.match(await succeeds(['volume', 'ls']), /^DRIVER +VOLUME NAME\n[\s\S]*local +shelf\n/);
      assert.equal(await succeeds(['volume', 'inspect', '-f', '{{.Name}} {{.Labels.x}}', 'shelf']), 'shelf y\n');
      assert.equal(await succeeds(['volume', 'rm', 'shelf']), 'shelf\n');
      assert.match(await succeeds(['network', 'create', '--subnet', '10.201.7.0/24', 'lane']), /^[0-9a-f]{64}\n$/);
      assert.match(await succeeds(['network', 'ls']), /^NETWORK ID +NAME +DRIVER +SCOPE\n/);
      const id = await engine.sleeping();
      await succeeds(['network', 'connect', '--ip', '10.201.7.9', 'lane', id]);
      assert.match(await succeeds(['exec', id, 'ip', '-o', 'addr']), /10\.201\.7\.9\/24/);
      await succeeds(['network', 'disconnect', 'lane', id]);
      assert.equal(await succeeds(['network', 'rm', 'lane']), 'lane\n');
      await engine.remove(id);
    });

    test('save, rmi, load, tag, import', async () => {
      const file = `${engine.daemon.sandbox.directory}/${client}.tar`;
      await succeeds(['tag', 'busybox', `copied:${client}`]);
      await succeeds(['save', '-o', file, `copied:${client}`]);
      assert.match(await succeeds(['rmi', `copied:${client}`]), new RegExp(`^Untagged: copied:${client}\n`));
      assert.match(await succeeds(['load', '-i', file]), new RegExp(`Loaded image: copied:${client}\n`));
      await succeeds(['rmi', `copied:${client}`]);
    });

    test('prune commands', async () => {
      await engine.create({ Labels: { prune: client } });
      assert.match(
        await succeeds(['container', 'prune', '-f', '--filter', `label=prune=${client}`]),
        /Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: /,
      );
      await succeeds(['volume', 'prune', '-f']);
      await succeeds(['network', 'prune', '-f']);
      await succeeds(['image', 'prune', '-f']);
    });
  });

  test('a signal sent by kill ends run with the code of the container', async () => {
    const name = `signalled-${client}`;
    const running = cli([
      'run',
      '--rm',
      '--name',
      name,
      'busybox',
      'sh',
      '-c',
      'trap "echo caught; exit 8" TERM; echo up; while :; do sleep 0.05; done',
    ]);
    for (;;) {
      const { json } = await engine.api(
        'GET',
        `/containers/json?filters=${encodeURIComponent(JSON.stringify({ name: [name] }))}`,
      );
      if (json.length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await engine.logged(name, 'up');
    await succeeds(['kill', '-s', 'TERM', name]);
    const out = await running;
    assert.deepEqual([out.code, out.stdout], [8, 'up\ncaught\n']);
  });

  describe('build', () => {
    const env = { DOCKER_BUILDKIT: '0' };
    const directory = () => {
      const path = mkdtempSync(join(engine.daemon.sandbox.directory, 'context-'));
      mkdirSync(join(path, 'modules'));
      for (const name of ['a', 'modules/m', 'modules/kept']) writeFileSync(join(path, name), '');
      writeFileSync(join(path, '.dockerignore'), 'modules\n!modules/kept\nDockerfile\n');
      writeFileSync(join(path, 'Dockerfile'), 'FROM busybox\nCOPY . /c\nRUN find /c -type f | sort\n');
      return path;
    };

    test('a directory without what it ignores', async () => {
      const stdout = await succeeds(['build', '-t', 'made', directory()], { env });
      assert.match(stdout, /^Sending build context to Docker daemon +[\d.]+kB/);
      assert.match(stdout, /^\/c\/.dockerignore\n\/c\/a\n\/c\/modules\/kept\n/m);
      assert.match(stdout, /Successfully tagged made:latest\n$/);
    });

    test('-q prints the id, --iidfile writes it', async () => {
      const path = directory();
      const file = join(path, 'id');
      const id = await succeeds(['build', '-q', '--iidfile', file, path], { env });
      assert.match(id, /^sha256:[0-9a-f]{64}\n$/);
      assert.equal(readFileSync(file, 'utf8').trim(), id.trim());
    });

    test('a Dockerfile from elsewhere, from standard input, and alone', async () => {
      const path = directory();
      const elsewhere = join(directory(), 'Dockerfile');
      const text = 'FROM busybox\nARG WORD\nCOPY . /c\nRUN echo "word is $WORD"; find /c -type f | sort\n';
      writeFileSync(elsewhere, text);
      const given = { env: { ...env, WORD: 'passed on' } };
      const named = await succeeds(['build', '--build-arg', 'WORD', '-f', elsewhere, path], given);
      assert.match(named, /^word is passed on\n\/c\/.dockerignore\n\/c\/a\n\/c\/modules\/kept\n/m);
      const read = await succeeds(['build', '--build-arg=WORD=w', '-f', '-', path], { env, stdin: text });
      assert.match(read, /^word is w\n\/c\/.dockerignore\n\/c\/a\n\/c\/modules\/kept\n/m);
      const alone = await succeeds(['build', '-'], { env, stdin: 'FROM busybox\nRUN echo alone\n' });
      assert.match(alone, /^alone\n/m);
    });

    test('ends as the command that failed, quietly too', async () => {
      const stdin = 'FROM busybox\nRUN echo said; exit 7\n';
      for (const quiet of [[], ['-q']]) {
        const out = await cli(['build', ...quiet, '-'], { env, stdin });
        assert.equal(out.code, 7);
        assert.match(out.stdout + out.stderr, /^said\n/m);
        assert.match(out.stderr, /The command '\/bin\/sh -c echo said; exit 7' returned a non-zero code: 7\n$/);
      }
    });

    test('no such context, no such Dockerfile', async () => {
      const missing = await cli(['build', '/no/such'], { env });
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /unable to prepare context: path "\/no\/such" not found/);
      const file = await cli(['build', '-f', '/no/such', directory()], { env });
      assert.equal(file.code, 1);
      assert.match(
        file.stderr,
        /unable to evaluate symlinks in Dockerfile path: lstat \/no(\/such)?: no such file or directory/,
      );
    });
  });
}
