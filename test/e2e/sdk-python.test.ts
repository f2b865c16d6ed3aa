import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';

const engine = useDaemon();
const program = join(import.meta.dirname, '../fixtures/docker_sdk.py');

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

describe("Docker's SDK for Python", () => {
  for (const [name, what] of Object.entries(cases)) {
    test(what, async () => {
      // Debian's package belongs to Debian's Python.
      const env = { DOCKER_HOST: `unix://${engine.daemon.socket}`, PATH: process.env.PATH };
      const { code, stderr } = await run(['/usr/bin/python3', program, name], { env });
      assert.equal(code, 0, stderr);
    });
  }
});
