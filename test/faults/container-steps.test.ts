import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';

/**
 * The daemon is killed at every single step of create, start, stop and remove. The next one must find each container
 * whole or gone, keep what was acknowledged, and own everything that is left.
 */

const spec = { Image: 'busybox', Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL', Volumes: { '/scratch': {} } };

interface Listed {
  readonly Id: string;
  readonly State: string;
}

interface Operation {
  readonly name: string;
  /** Steps whose names begin with this are visited one by one. */
  readonly prefix: string;
  /** The container before: none, created or running. */
  readonly from: 'none' | 'created' | 'running';
  readonly act: (daemon: Daemon, id: string) => Promise<number>;
  /** States that are right afterwards, whether the client was answered or not; `gone` for none. */
  readonly unanswered: readonly string[];
  readonly answered: readonly string[];
}

const operations: Operation[] = [
  {
    name: 'create',
    prefix: 'create.',
    from: 'none',
    act: async (daemon) => (await daemon.api('POST', '/containers/create?name=it', spec)).status,
    unanswered: ['gone', 'created'],
    answered: ['created'],
  },
  {
    name: 'start',
    prefix: 'start.',
    from: 'created',
    act: async (daemon, id) => (await daemon.api('POST', `/containers/${id}/start`)).status,
    unanswered: ['created', 'running'],
    answered: ['running'],
  },
  ...['stop.', 'kill.', 'exit.'].map(
    (prefix): Operation => ({
      name: 'stop',
      prefix,
      from: 'running',
      act: async (daemon, id) => (await daemon.api('POST', `/containers/${id}/stop`)).status,
      unanswered: ['running', 'exited'],
      answered: ['exited'],
    }),
  ),
  ...['remove.', 'exit.'].map(
    (prefix): Operation => ({
      name: 'remove --force',
      prefix,
      from: 'running',
      act: async (daemon, id) => (await daemon.api('DELETE', `/containers/${id}?force=1&v=1`)).status,
      unanswered: ['running', 'exited', 'gone'],
      answered: ['gone'],
    }),
  ),
];

let sandbox: Sandbox;
let daemon: Daemon;

before(async () => {
  sandbox = await openSandbox();
  daemon = new Daemon(sandbox);
  await daemon.start();
  const archive = { headers: { 'Content-Type': 'application/x-tar' } };
  const loaded = await daemon.api('POST', '/images/load?quiet=1', busyboxImage(), archive);
  assert.equal(loaded.status, 200, loaded.text);
  // The supervisor is nobody's child from then on, as it will be in every case.
  await daemon.kill();
  await daemon.start();
});

after(() => sandbox.close());

async function prepare(from: Operation['from']): Promise<string> {
  if (from === 'none') return '';
  const created = await daemon.api('POST', '/containers/create?name=it', spec);
  assert.equal(created.status, 201, created.text);
  const { Id } = created.json as Listed;
  if (from === 'running') assert.equal((await daemon.api('POST', `/containers/${Id}/start`)).status, 204);
  return Id;
}

/** The status of the operation's answer; undefined where the daemon died before it. */
async function attempt({ act }: Operation, id: string): Promise<number | undefined> {
  try {
    return await act(daemon, id);
  } catch {
    return undefined;
  }
}

async function died(milliseconds: number): Promise<boolean> {
  const timeout = new Promise<false>((resolve) => setTimeout(resolve, milliseconds, false));
  return Promise.race([daemon.exited.then(() => true as const), timeout]);
}

function ownedDirectories(): string[] {
  return ['containers', 'snapshots', 'volumes'].flatMap((name) => {
    const directory = join(daemon.dataRoot, name);
    return existsSync(directory) ? readdirSync(directory).map((entry) => `${name}/${entry}`) : [];
  });
}

/** What is still there once the daemon has cleaned up; it does so behind its answers. */
async function settledLeftovers(idle: readonly string[]): Promise<string[]> {
  for (const deadline = Date.now() + 10_000; ; ) {
    const left = [...(await sandbox.leftovers()).filter((line) => !idle.includes(line)), ...ownedDirectories()];
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

for (const operation of operations) {
  const { name, prefix, from, answered, unanswered } = operation;
  describe(`killed at each ${prefix}* step of ${name}`, () => {
    test('each container is whole or gone, and nothing leaks', { timeout: 300_000 }, async () => {
      const idle = await sandbox.leftovers();
      let steps = 0;
      for (;;) {
        const id = await prepare(from);
        await daemon.kill();
        await daemon.start({ WHARF_FAULT_POINT: `${prefix}:${steps + 1}` });
        const status = await attempt(operation, id);
        // Steps behind the answer follow within moments.
        if (!(await died(status === undefined ? 10_000 : 500))) {
          await daemon.kill();
          await daemon.start();
          await removeEverything(daemon);
          break;
        }
        steps += 1;
        await daemon.start();
        const { json } = await daemon.api('GET', '/containers/json?all=1');
        const state = (json as Listed[])[0]?.State ?? 'gone';
        const allowed = status !== undefined && status < 300 ? answered : unanswered;
        assert.ok(allowed.includes(state), `step ${steps}: answered ${status}, then ${state}`);
        await removeEverything(daemon);
        assert.deepEqual(await settledLeftovers(idle), [], `step ${steps} leaves something`);
      }
      assert.ok(steps > 0, 'no step was visited');
    });
  });
}
