import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Daemon } from '../harness/daemon.ts';
import { useDaemon } from '../harness/fixture.ts';
import { target } from '../harness/target.ts';

/** What a Docker without CRIU and without managed plugins says: clients list both as a matter of course. */
const engine = useDaemon({ flags: ['--experimental'] });

before(async () => {
  await engine.sleeping({}, 'up');
  await engine.create({ Cmd: ['true'] }, 'made');
});

type Case = readonly [method: string, url: string, body: object | undefined, status: number, message: RegExp];

async function check([method, url, body, expected, message]: Case): Promise<void> {
  const { status, text } = await engine.api(method, url, body);
  assert.match(text, message);
  // The machine's dockerd answers 500 to much that later ones answer properly.
  if (target === 'wharf') assert.equal(status, expected, text);
}

const name = (CheckpointID: string) => ({ CheckpointID });
const checkpoints: readonly Case[] = [
  ['GET', '/containers/none/checkpoints', undefined, 404, /No such container: none/],
  ['GET', '/containers/up/checkpoints', undefined, 200, /^(\[\]|null)\n?$/],
  ['POST', '/containers/none/checkpoints', name('c1'), 404, /No such container: none/],
  ['POST', '/containers/made/checkpoints', name('c1'), 409, /Container made not running/],
  ['POST', '/containers/up/checkpoints', name('../x'), 400, /Invalid checkpoint ID \(..\/x\), only \[a-zA-Z0-9\]/],
  ['POST', '/containers/up/checkpoints', name('c1'), 501, /Cannot checkpoint container up: /],
  ['DELETE', '/containers/none/checkpoints/c1', undefined, 404, /No such container: none/],
  ['DELETE', '/containers/made/checkpoints/c1', undefined, 404, /checkpoint c1 does not exist for container made/],
  ['POST', '/containers/made/start?checkpoint=c1', undefined, 404, /checkpoint c1 does not exist for container \/made/],
  [
    'POST',
    '/containers/made/start?checkpoint=c1&checkpoint-dir=/x',
    undefined,
    403,
    /custom checkpointdir is not supported/,
  ],
  ['POST', '/containers/up/start?checkpoint=c1', undefined, 304, /^$/],
];

describe('checkpoints', () => {
  for (const one of checkpoints) test(one.slice(0, 2).join(' ') + JSON.stringify(one[2] ?? ''), () => check(one));

  test('are an experimental feature', async () => {
    const other = new Daemon(engine.daemon.sandbox, {
      name: 'plain',
      flags: target === 'docker' ? [] : ['--bridge', 'none'],
    });
    if (target === 'docker') return;
    await other.start();
    const disabled = /experimental feature is disabled by default/;
    for (const [method, url] of [
      ['GET', '/containers/x/checkpoints'],
      ['POST', '/containers/x/checkpoints'],
      ['DELETE', '/containers/x/checkpoints/c'],
    ] as const) {
      const { status, json } = await other.api(method, url, method === 'POST' ? name('c') : undefined);
      assert.equal(status, 501);
      assert.match(json.message, disabled);
    }
    const started = await other.api('POST', '/containers/x/start?checkpoint=c');
    assert.deepEqual(
      [started.status, started.json.message],
      [400, 'checkpoint is only supported in experimental mode'],
    );
    await other.stop();
  });

  test('by the stock client', async () => {
    const listed = await engine.daemon.docker(['checkpoint', 'ls', 'up']);
    assert.deepEqual([listed.code, listed.stdout], [0, 'CHECKPOINT NAME\n']);
    const made = await engine.daemon.docker(['checkpoint', 'create', 'up', 'c1']);
    assert.equal(made.code, 1);
    assert.match(made.stderr, /Cannot checkpoint container up: /);
  });
});

const missing = /plugin \\?"none(:latest)?\\?" not found/;
const plugins: readonly Case[] = [
  ['GET', '/plugins', undefined, 200, /^\[\]\n?$/],
  ['GET', '/plugins?filters={"x":["y"]}', undefined, 400, /nvalid filter 'x'/],
  ['GET', '/plugins?filters={"enabled":["y"]}', undefined, 400, /nvalid filter 'enabled=\[y\]'/],
  ['GET', '/plugins?filters={"capability":["y"]}', undefined, 200, /^\[\]\n?$/],
  ['GET', '/plugins/none/json', undefined, 404, missing],
  ['DELETE', '/plugins/none', undefined, 404, missing],
  ['POST', '/plugins/none/enable?timeout=0', undefined, 404, missing],
  ['POST', '/plugins/none/enable', undefined, 400, /strconv.Atoi: parsing/],
  ['POST', '/plugins/none/disable', undefined, 404, missing],
  ['POST', '/plugins/none/set', ['A=1'], 404, missing],
  ['POST', '/plugins/none/push', undefined, 404, missing],
  ['POST', '/plugins/none/upgrade?remote=x', [], 404, missing],
];

describe('managed plugins', () => {
  for (const one of plugins) test(one.slice(0, 2).join(' '), () => check(one));

  test('cannot be installed, and nothing pretends that they were', { skip: target === 'docker' }, async () => {
    for (const [method, url] of [
      ['GET', '/plugins/privileges?remote=x'],
      ['POST', '/plugins/pull?remote=x'],
      ['POST', '/plugins/create?name=x'],
    ] as const) {
      const { status, json } = await engine.api(method, url, method === 'POST' ? [] : undefined);
      assert.equal(status, 501);
      assert.match(json.message, /^managed plugins are not supported by wharfd yet: run the plugin on the host/);
    }
  });

  test('by the stock client', async () => {
    const listed = await engine.daemon.docker(['plugin', 'ls']);
    assert.deepEqual([listed.code, listed.stdout.trim()], [0, 'ID        NAME      DESCRIPTION   ENABLED']);
    const inspected = await engine.daemon.docker(['plugin', 'inspect', 'none']);
    assert.equal(inspected.code, 1);
    assert.match(inspected.stderr, missing);
  });
});
