import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';

const engine = useDaemon({ flags: ['-H', 'tcp://127.0.0.1:2375'] });
const program = join(import.meta.dirname, '../fixtures/docker_sdk.py');

/** Debian's package belongs to Debian's Python. */
const python = '/usr/bin/python3';

const cases = {
  life: 'the life of a container',
  run: 'run, its output, its exit code, what cannot start',
  logs: 'logs, whole, in part and followed',
  attach: 'a socket to a container, closed on one side',
  executes: 'exec with its streams apart, in a stream, with a terminal, with input',
  archives: 'archives in and out, diff, export, commit',
  events: 'events as they happen',
  statistics: 'stats, once and streamed',
  build: 'build, save, load, history, a build that fails',
  networks: 'networks with names, volumes',
};

/** Ubuntu 24.04 has an SDK and a urllib3 that cannot speak over unix sockets with each other, to no daemon at all. */
const overSocket = { skip: cannotUseSockets() && 'the SDK 5 has no unix sockets with urllib3 2' };

function cannotUseSockets(): boolean {
  const print = 'import docker, urllib3; print(docker.__version__, urllib3.__version__)';
  const [sdk, http] = execFileSync(python, ['-c', print], { encoding: 'utf8' }).split(' ').map(Number.parseFloat);
  return sdk! < 6 && http! >= 2;
}

describe("Docker's SDK for Python", () => {
  for (const [name, what] of Object.entries(cases)) {
    test(what, overSocket, async () => {
      const env = { DOCKER_HOST: `unix://${engine.daemon.socket}`, PATH: process.env.PATH };
      const { code, stderr } = await run([python, program, name], { env });
      assert.equal(code, 0, stderr);
    });
  }

  test('exec over TCP', async () => {
    const env = { DOCKER_HOST: 'tcp://127.0.0.1:2375', PATH: process.env.PATH };
    const { code, stderr } = await engine.daemon.sandbox.run([python, program, 'executes'], { env });
    assert.equal(code, 0, stderr);
  });
});
