import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

async function changes(id: string): Promise<[path: string, kind: number][]> {
  const answer = await engine.api('GET', `/containers/${id}/changes`);
  assert.equal(answer.status, 200, answer.text);
  return (answer.json ?? []).map(({ Path, Kind }: { Path: string; Kind: number }) => [Path, Kind]).sort();
}

/** Runs a script to its end, and gives what it changed. */
async function changedBy(script: string) {
  const id = await engine.started({ Cmd: ['sh', '-c', script] });
  assert.equal(await engine.wait(id), 0);
  return changes(id);
}

const rows: [what: string, script: string, expected: [string, number][]][] = [
  ['nothing', 'true', []],
  [
    'a new file',
    'echo >/root/new',
    [
      ['/root', 0],
      ['/root/new', 1],
    ],
  ],
  [
    'a new tree',
    'mkdir -p /a/b; echo >/a/b/c',
    [
      ['/a', 1],
      ['/a/b', 1],
      ['/a/b/c', 1],
    ],
  ],
  [
    'a changed file',
    'echo more >>/data/seed',
    [
      ['/data', 0],
      ['/data/seed', 0],
    ],
  ],
  [
    'another mode',
    'chmod 600 /data/seed',
    [
      ['/data', 0],
      ['/data/seed', 0],
    ],
  ],
  [
    'a removed file',
    'rm /data/seed',
    [
      ['/data', 0],
      ['/data/seed', 2],
    ],
  ],
  ['a removed directory', 'rm -r /data', [['/data', 2]]],
  [
    'a directory made anew',
    'rm -r /data; mkdir /data; echo >/data/other',
    [
      ['/data', 0],
      ['/data/other', 1],
      ['/data/seed', 2],
    ],
  ],
  ['made and removed', 'echo >/data/x; rm /data/x', []],
  [
    'a file beside those of the daemon',
    'echo >/etc/new',
    [
      ['/etc', 0],
      ['/etc/new', 1],
    ],
  ],
  [
    'a link',
    'ln -s nowhere /root/l',
    [
      ['/root', 0],
      ['/root/l', 1],
    ],
  ],
];

for (const [what, script, expected] of rows) {
  test(`${what}: ${script}`, async () => assert.deepEqual(await changedBy(script), expected));
}

test('of a container that runs, and of one that never did', async () => {
  const running = await engine.sleeping();
  await engine.exec(running, ['sh', '-c', 'echo >/root/live']);
  assert.deepEqual(await changes(running), [
    ['/root', 0],
    ['/root/live', 1],
  ]);
  assert.deepEqual(await changes(await engine.create()), []);
  assert.equal((await engine.api('GET', '/containers/absent/changes')).status, 404);
});
