// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of the Dockerfile.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tar } from '../fixtures/tar.ts';
import { Daemon } from '../harness/daemon.ts';
import { useDaemon } from '../harness/fixture.ts';
import { openSandbox } from '../harness/sandbox.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
/** A directory of the host that nothing may get at. */
let outside = '';
const secret = 'the secret of the host';

before(() => {
  outside = join(engine.daemon.sandbox.directory, 'outside');
  mkdirSync(outside, { mode: 0o777 });
  writeFileSync(join(outside, 'secret'), secret);
});

interface Said {
  readonly text: string;
  readonly error: string;
  readonly id: string;
}

async function build(dockerfile: string, entries: readonly TarEntry[] = [], daemon = engine.daemon): Promise<Said> {
  const context = tar([{ name: 'Dockerfile', content: dockerfile }, ...entries]);
  const { text } = await daemon.api('POST', '/build?nocache=1', context, {
    headers: { 'Content-Type': 'application/x-tar' },
  });
  const messages = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { error?: string; message?: string; aux?: { ID?: string } });
  const error = messages.map((message) => message.error ?? message.message ?? '').join('');
  return { text, error, id: messages.findLast(({ aux }) => aux?.ID)?.aux?.ID ?? '' };
}

/** Whatever became of the build, the host is as it was, and the client has learnt nothing of it. */
function assertUntouched({ text }: Said): void {
  assert.ok(!text.includes(secret), text);
  assert.deepEqual(readdirSync(outside), ['secret']);
}

async function refused(dockerfile: string, entries: readonly TarEntry[], words: RegExp): Promise<void> {
  const said = await build(dockerfile, entries);
  assert.match(said.error, words);
  assertUntouched(said);
}

/** It is built, and what `script` prints of the image. */
async function contained(dockerfile: string, entries: readonly TarEntry[], script: string): Promise<string> {
  const said = await build(dockerfile, entries);
  assert.equal(said.error, '');
  assertUntouched(said);
  const { code, stdout, stderr } = await engine.sh(script, { Image: said.id });
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes(secret));
  return stdout;
}

const linkOut = (name: string): TarEntry => ({ name, type: 'symlink', target: outside });
const missing = /not found|does not exist|no such file/;

describe('a context with links out of it', () => {
  test('COPY through one finds nothing', () => refused('FROM busybox\nCOPY l/secret /x', [linkOut('l')], missing));

  test('COPY of one finds nothing', () => refused('FROM busybox\nCOPY l /x', [linkOut('l')], missing));

  test('COPY of what it is in takes the link alone', async () => {
    assert.equal(await contained('FROM busybox\nCOPY . /x', [linkOut('l')], 'readlink /x/l'), `${outside}\n`);
  });

  test('a mount of one shows nothing', () =>
    refused('FROM busybox\nRUN --mount=source=l,target=/m cat /m/secret', [linkOut('l')], missing));

  test('a mount of what it is in leads nowhere', () =>
    refused('FROM busybox\nRUN --mount=target=/m cat /m/l/secret', [linkOut('l')], /non-zero code/));

  test('a Dockerfile that is one is not read', async () => {
    const context = tar([{ name: 'Dockerfile', type: 'symlink', target: join(outside, 'secret') }]);
    const { text } = await engine.daemon.api('POST', '/build', context, {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.ok(!text.includes('secret of'), text);
    assert.match(text, missing);
  });

  test('members below one, and members above, stay inside', async () => {
    const hostile: TarEntry[] = [
      { ...linkOut('l') },
      { name: 'l/evil', content: 'x' },
      { name: `../../..${outside}/evil`, content: 'x' },
      { name: `${outside}/evil`, content: 'x' },
      { name: 'hard', type: 'link', target: join(outside, 'secret') },
    ];
    for (const entry of hostile.slice(1)) {
      assertUntouched(await build('FROM busybox\nCOPY . /x', [hostile[0]!, entry]));
    }
  });
});

describe('stages with links out of them', () => {
  const stage = () => `FROM busybox AS s\nRUN ln -s ${outside} /l && ln -s ../../../../..${outside} /m\n`;

  for (const link of ['l', 'm']) {
    test(`COPY --from through /${link} finds nothing`, () =>
      refused(`${stage()}FROM busybox\nCOPY --from=s /${link}/secret /x`, [], missing));

    test(`COPY to /${link} makes it in the image`, async () => {
      const script = `cat ${outside}/a`;
      assert.equal(await contained(`${stage()}COPY a /${link}/`, [{ name: 'a', content: 'A' }], script), 'A');
    });

    test(`ADD of an archive to /${link} unpacks it in the image`, async () => {
      const archive = tar([{ name: 'a', content: 'A' }]);
      const script = `cat ${outside}/a`;
      assert.equal(
        await contained(`${stage()}ADD a.tar /${link}/`, [{ name: 'a.tar', content: archive }], script),
        'A',
      );
    });

    test(`WORKDIR below /${link} is made in the image`, async () => {
      assert.equal(await contained(`${stage()}WORKDIR /${link}/w`, [], `ls ${outside}`), 'w\n');
    });

    test(`a mount of /${link} shows nothing`, () =>
      refused(`${stage()}FROM busybox\nRUN --mount=from=s,source=/${link},target=/m cat /m/secret`, [], missing));

    test(`a mount on /${link} covers nothing of the host`, async () => {
      const said = await build(`${stage()}RUN --mount=type=tmpfs,target=/${link}/t touch /${link}/t/f`);
      assertUntouched(said);
    });
  }
});

describe('a hostile archive', () => {
  const members: TarEntry[] = [
    { name: '../evil', content: 'x' },
    { name: '/../../evil', content: 'x' },
    { name: 'hard', type: 'link', target: '/etc/passwd' },
    { name: 'hard', type: 'link', target: '../../etc/passwd' },
  ];
  for (const [index, member] of members.entries()) {
    test(`with ${member.name} that leads to ${member.target ?? 'above'} (${index})`, async () => {
      const entries: TarEntry[] = [
        linkOut('l'),
        { name: 'l/evil', content: 'x' },
        { ...member, name: member.name.replace('evil', outside) },
        member,
      ];
      for (const entry of entries.slice(1)) {
        const archive = tar([entries[0]!, entry]);
        assertUntouched(await build('FROM busybox\nADD a.tar /x/', [{ name: 'a.tar', content: archive }]));
      }
    });
  }

  test('that is larger than the disk ends the build, and leaves the daemon its space', wharfOnly(), async () => {
    const sandbox = await openSandbox();
    const daemon = new Daemon(sandbox);
    mkdirSync(daemon.dataRoot, { recursive: true });
    await sandbox.run(['mount', '-t', 'tmpfs', '-o', 'size=192m', 'tmpfs', daemon.dataRoot]);
    try {
      await daemon.start();
      // Zeros pack a thousandfold: 400 kB on the wire.
      const bomb = gzipSync(tar([{ name: 'zeros', content: Buffer.alloc(400 << 20) }]), { level: 1 });
      const { error } = await build('FROM scratch\nADD a.tgz /x/', [{ name: 'a.tgz', content: bomb }], daemon);
      assert.match(error, /space/);
      const { error: none } = await build('FROM scratch\nCOPY a /a', [{ name: 'a', content: 'A' }], daemon);
      assert.equal(none, '');
    } finally {
      await daemon.stop();
      await sandbox.close();
    }
  });
});

describe('a hostile Dockerfile', wharfOnly(), () => {
  const rows: [what: string, dockerfile: string, words: RegExp][] = [
    [
      'a value that doubles forty times',
      `FROM scratch\nENV A=${'x'.repeat(64)}\n${'ENV A=$A$A\n'.repeat(40)}`,
      /too long: A/,
    ],
    ['an argument that does', `ARG A=${'x'.repeat(64)}\n${'ARG A=$A$A\n'.repeat(40)}FROM scratch`, /too long: A/],
    ['a pattern with forty stars', `FROM scratch\nCOPY ${'*a'.repeat(40)}*b none /x/`, missing],
    [
      'an operator with forty stars',
      `FROM scratch\nARG A=${'a'.repeat(200)}\nENV B=\${A##${'*a'.repeat(40)}*b}\nCOPY none /`,
      missing,
    ],
    ['ten thousand braces', `FROM scratch\nENV A=${'${A:-'.repeat(10_000)}`, /nested too deep/],
  ];
  for (const [what, dockerfile, words] of rows) {
    test(`with ${what} is refused`, async () => {
      const entries = [{ name: 'a'.repeat(90), content: '' }];
      assert.match((await build(dockerfile, entries)).error, words);
    });
  }
});

describe('what a step leaves running', wharfOnly(), () => {
  async function sleepers(): Promise<string[]> {
    return (await engine.daemon.sandbox.leftovers()).filter((line) => /^(mount|process sleep)/.test(line));
  }

  test('ends with the step, however it has hidden', async () => {
    const before = await sleepers();
    const script = "trap '' TERM HUP; (setsid sleep 1000 &) ; (sleep 1000 & sleep 1000 &) ; echo done";
    assert.equal((await build(`FROM busybox\nRUN ${script}`)).error, '');
    assert.deepEqual(await sleepers(), before);
  });
});

describe('a client that leaves', wharfOnly(), () => {
  /** Takes one connection and says nothing. */
  async function silentServer(
    port: number,
  ): Promise<{ server: ChildProcess; asked: Promise<void>; left: Promise<void> }> {
    const [command, ...args] = engine.daemon.sandbox.enter(['busybox', 'nc', '-l', '-p', String(port)]);
    const server = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const asked = new Promise<void>((resolve) => server.stdout!.once('data', () => resolve()));
    const left = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    for (;;) {
      const { stdout } = await engine.daemon.sandbox.run(['cat', '/proc/net/tcp', '/proc/net/tcp6']);
      if (stdout.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `)) break;
    }
    return { server, asked, left };
  }

  for (const [what, port, dockerfile] of [
    ['ADD of an address', 8091, 'FROM scratch\nADD http://127.0.0.1:8091/x /x'],
    ['ADD of a repository', 8092, 'FROM scratch\nADD http://127.0.0.1:8092/x.git /x'],
    ['FROM of a registry', 8093, 'FROM 127.0.0.1:8093/x\nENV A=b'],
  ] as const) {
    test(`during ${what} ends it`, async () => {
      const { asked, left } = await silentServer(port);
      const context = tar([{ name: 'Dockerfile', content: dockerfile }]);
      const socket = connect(engine.daemon.socket);
      socket.write(`POST /build HTTP/1.1\r\nHost: docker\r\nContent-Length: ${context.length}\r\n\r\n`);
      socket.write(context);
      await asked;
      socket.destroy();
      await left;
      const work = join(engine.daemon.dataRoot, 'build', 'work');
      while (existsSync(work) && readdirSync(work).length > 0) await engine.daemon.api('GET', '/_ping');
    });
  }
});

describe('two builds with one cache mount', wharfOnly(), () => {
  test('cannot mount over what is outside by changing it under each other', async () => {
    const mounts = '--mount=type=cache,id=raced,target=/c';
    const swap = `i=0; while [ $i -lt 300 ]; do rm -rf /c/s; ln -s ${outside} /c/s; rm -f /c/s; mkdir -p /c/s; i=$((i+1)); done`;
    const racer = build(`FROM busybox\nRUN ${mounts} ${swap}`);
    for (let round = 0; round < 5; round++) {
      const inner = `${mounts} --mount=type=tmpfs,target=/c/s`;
      assertUntouched(await build(`FROM busybox\nRUN ${inner} touch /c/s/f || true`));
    }
    assertUntouched(await racer);
  });
});
