import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type TarEntry, tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const headers = { 'Content-Type': 'application/x-tar' };

interface Said {
  readonly error: string;
  readonly stream: string;
}

async function build(name: string, dockerfile: string, files: readonly TarEntry[] = []): Promise<Said> {
  const context = tar([{ name: 'Dockerfile', content: dockerfile }, ...files]);
  const { text } = await engine.daemon.api('POST', `/build?t=${name}`, context, { headers });
  const messages = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { error?: string; message?: string; stream?: string });
  return {
    error: messages.map(({ error, message }) => error ?? message ?? '').join(''),
    stream: messages.map(({ stream = '' }) => stream).join(''),
  };
}

/** What builds leave while they work; of what is whole and kept, nothing. */
async function remains(): Promise<string[]> {
  const { dataRoot, sandbox } = engine.daemon;
  const names = ['build/work', 'layers/ingest', 'snapshots'].flatMap((place) => {
    const directory = join(dataRoot, place);
    return existsSync(directory) ? readdirSync(directory).map((name) => `${place}/${name}`) : [];
  });
  const alive = (await sandbox.leftovers()).filter((line) =>
    /^(mount .*(build|snapshots)|process (sleep|sh|git))/.test(line),
  );
  return [...names, ...alive];
}

/** Deletes in the background go on for a moment. */
async function assertNothingRemains(when: string): Promise<void> {
  let left = await remains();
  for (const deadline = Date.now() + 5_000; left.length > 0 && Date.now() < deadline; left = await remains()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(left, [], when);
}

/** Every kind of step: a copy, an archive, a command with a cache, a stage that is copied from. */
const dockerfile = `FROM busybox AS s
COPY f /f
RUN --mount=type=cache,id=c,target=/c cat /f > /g && echo x >> /c/n && rm /data/seed
FROM busybox
ADD a.tar /t/
COPY --from=s /g /h
`;

function filesOf(name: string): TarEntry[] {
  return [
    { name: 'f', content: name },
    { name: 'a.tar', content: tar([{ name: 'in', content: `${name} too` }]) },
  ];
}

/** Far more than a build has; reaching it means that the counter is not wired. */
const mostSteps = 60;

describe('kill -9 of the daemon', () => {
  test('at every step of a build: the next build goes on from what is whole', wharfOnly(), async () => {
    let cached = 0;
    for (let step = 1; ; step++) {
      assert.ok(step < mostSteps, 'the build has no end');
      const name = `every-${step}`;
      await engine.daemon.stop();
      await engine.daemon.start({ WHARF_FAULT_POINT: `build.:${step}` });
      const answered = await build(name, dockerfile, filesOf(name)).then(
        ({ error }) => error === '',
        () => false,
      );
      if (answered) {
        assert.ok(step > 12, `${step} steps`);
        assert.ok(cached >= 4, 'nothing was kept of what was whole');
        return;
      }
      await engine.daemon.exited;
      await engine.daemon.start();
      const { error, stream } = await build(name, dockerfile, filesOf(name));
      assert.equal(error, '', name);
      cached = Math.max(cached, stream.split('Using cache').length - 1);
      const { stdout } = await engine.sh('cat /h /t/in', { Image: name });
      assert.equal(stdout, `${name}${name} too`, name);
      await assertNothingRemains(name);
    }
  });

  for (const [what, port, text] of [
    ['ADD of an address', 8191, 'FROM scratch\nADD http://127.0.0.1:8191/x /x'],
    ['ADD of a repository', 8192, 'FROM scratch\nADD http://127.0.0.1:8192/x.git /x'],
    ['FROM of a registry', 8193, 'FROM 127.0.0.1:8193/x\nENV A=b'],
  ] as const) {
    test(`while ${what} waits for the other side leaves nothing`, wharfOnly(), async () => {
      const [command, ...args] = engine.daemon.sandbox.enter(['busybox', 'nc', '-l', '-p', String(port)]);
      const server = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      const asked = new Promise((resolve) => server.stdout!.once('data', resolve));
      const left = new Promise((resolve) => server.once('exit', resolve));
      const listens = `:${port.toString(16).toUpperCase()} `;
      while (!(await engine.daemon.sandbox.run(['cat', '/proc/net/tcp', '/proc/net/tcp6'])).stdout.includes(listens));
      const lost = build('waits', text).catch(() => undefined);
      await asked;
      await engine.daemon.kill();
      await lost;
      await engine.daemon.start();
      await left;
      await assertNothingRemains(what);
      const { error } = await build('after', dockerfile, filesOf(what));
      assert.equal(error, '');
    });
  }

  test(
    'while a command runs ends it; its cache mount is as it was, and the next build goes on',
    wharfOnly(),
    async () => {
      const before = 'FROM busybox\nRUN --mount=type=cache,id=k,target=/c echo kept > /c/f';
      assert.equal((await build('before', before)).error, '');
      const first = 'RUN cat /proc/sys/kernel/random/uuid > /u';
      const endless = `FROM busybox\n${first}\nRUN --mount=type=cache,id=k,target=/c echo begun; sleep 1000`;
      const context = tar([{ name: 'Dockerfile', content: endless }]);
      const open = await engine.daemon.open('POST', '/build', context, { headers });
      let said = '';
      for await (const chunk of open.body) {
        said += chunk.toString();
        if (said.includes('"begun')) break;
      }
      await engine.daemon.kill();
      open.socket.destroy();
      await engine.daemon.start();
      await assertNothingRemains('a running command');
      const after = `FROM busybox\n${first}\nRUN --mount=type=cache,id=k,target=/c cp /c/f /f`;
      const { error, stream } = await build('after', after);
      assert.equal(error, '');
      assert.match(stream, /Using cache/);
      assert.equal((await engine.sh('cat /f', { Image: 'after' })).stdout, 'kept\n');
    },
  );

  test('while many build the same leaves each of them what it needs', wharfOnly(), async () => {
    for (let round = 0; round < 4; round++) {
      const name = `many-${round}`;
      const lost = Array.from({ length: 3 }, () => build(name, dockerfile, filesOf(name)).catch(() => undefined));
      await new Promise((resolve) => setTimeout(resolve, 40 * (round + 1)));
      await engine.daemon.kill();
      await Promise.all(lost);
      await engine.daemon.start();
      const all = await Promise.all(Array.from({ length: 3 }, () => build(name, dockerfile, filesOf(name))));
      assert.deepEqual(
        all.map(({ error }) => error),
        ['', '', ''],
      );
      assert.equal((await engine.sh('cat /h', { Image: name })).stdout, name);
      await assertNothingRemains(name);
    }
  });
});
