import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { buildContext } from '../harness/build-context.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const image = 'busybox';

const context = (files: Readonly<Record<string, string>>) => buildContext(engine.daemon, files);

async function build(files: Readonly<Record<string, string>>, options: readonly string[] = []) {
  const directory = context(files);
  return engine.daemon.docker(['build', ...options, directory], { env: { DOCKER_BUILDKIT: '0' } });
}

async function built(name: string, files: Readonly<Record<string, string>>, options: readonly string[] = []) {
  const { code, stdout, stderr } = await build(files, ['-t', name, ...options]);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

async function output(name: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, code } = await engine.daemon.docker(['run', '--rm', name, ...command]);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function inspect(name: string) {
  return (await engine.api('GET', `/images/${name}/json`)).json;
}

describe('building an image of a Dockerfile', () => {
  test('each instruction shows in the image', async () => {
    const dockerfile = `FROM ${image}
ARG WHO=world
ENV GREETING="hello $WHO" EMPTY=
WORKDIR /work/here
COPY a.txt dir/ ./
ADD b.txt /added/
RUN echo "$GREETING" > said && mkdir /kept && chown 7:8 /kept
USER 7
EXPOSE 80/tcp 53/udp
VOLUME /data
LABEL one=1 two="2 words"
STOPSIGNAL SIGINT
HEALTHCHECK --interval=3s CMD true
ENTRYPOINT ["cat"]
CMD ["said"]
`;
    const said = await built('whole:1', { Dockerfile: dockerfile, 'a.txt': 'A', 'dir/inner': 'I', 'b.txt': 'B' }, [
      '--build-arg',
      'WHO=you',
      '--label',
      'three=3',
    ]);
    assert.match(said, /Successfully built [0-9a-f]{12}\n/);
    assert.match(said, /Successfully tagged whole:1\n/);
    assert.equal(await output('whole:1'), 'hello you\n');
    assert.equal(await output('whole:1', 'a.txt', 'inner', '/added/b.txt'), 'AIB');
    const { Config, RootFS } = await inspect('whole:1');
    assert.deepEqual(Object.keys(Config.ExposedPorts).sort(), ['53/udp', '80/tcp']);
    assert.deepEqual(Config.Volumes, { '/data': {} });
    assert.deepEqual(Config.Labels, { one: '1', two: '2 words', three: '3' });
    assert.equal(Config.WorkingDir, '/work/here');
    assert.equal(Config.User, '7');
    assert.equal(Config.StopSignal, 'SIGINT');
    assert.deepEqual(Config.Healthcheck.Test, ['CMD-SHELL', 'true']);
    assert.ok(Config.Env.includes('GREETING=hello you'));
    assert.ok(Config.Env.includes('EMPTY='));
    assert.ok(RootFS.Layers.length >= 4);
  });

  test('owners, modes and links are kept', async () => {
    const directory = context({ Dockerfile: `FROM ${image}\nCOPY . /c\nCOPY --chown=3:4 f /owned\n`, f: 'x' });
    symlinkSync('f', join(directory, 'link'));
    const answer = await engine.daemon.docker(['build', '-t', 'kept:1', directory], { env: { DOCKER_BUILDKIT: '0' } });
    assert.equal(answer.code, 0, answer.stderr);
    assert.equal(await output('kept:1', 'readlink', '/c/link'), 'f\n');
    assert.equal(await output('kept:1', 'stat', '-c', '%u:%g', '/owned', '/c/f'), '3:4\n0:0\n');
  });

  test('a later stage takes files of an earlier one; a target stops there', async () => {
    const files = {
      Dockerfile: `FROM ${image} AS first\nRUN echo made > /made\nFROM ${image} AS second\nCOPY --from=first /made /taken\n`,
    };
    await built('stages:1', files);
    assert.equal(await output('stages:1', 'cat', '/taken'), 'made\n');
    await built('stages:first', files, ['--target', 'first']);
    assert.equal(await output('stages:first', 'cat', '/made'), 'made\n');
    const { code, stderr } = await build(files, ['--target', 'third']);
    assert.equal(code, 1);
    assert.match(stderr, /target stage "?third"? could not be found|failed to reach build target third in Dockerfile/);
  });

  test('steps are told in the words that clients look for', async () => {
    const files = {
      Dockerfile: `ARG BASE=${image}\nFROM $BASE AS one\nRUN echo told > /made\nFROM ${image}\nCOPY --from=one /made /\nRUN echo said\n`,
    };
    const tellingLines = (said: string) =>
      said
        .replace(/[0-9a-f]{12}/g, 'ID')
        .split('\n')
        .slice(1);
    assert.deepEqual(tellingLines(await built('told:1', files)), [
      `Step 1/6 : ARG BASE=${image}`,
      'Step 2/6 : FROM $BASE AS one',
      ' ---> ID',
      'Step 3/6 : RUN echo told > /made',
      ' ---> Running in ID',
      'Removing intermediate container ID',
      ' ---> ID',
      `Step 4/6 : FROM ${image}`,
      ' ---> ID',
      'Step 5/6 : COPY --from=one /made /',
      ' ---> ID',
      'Step 6/6 : RUN echo said',
      ' ---> Running in ID',
      'said',
      'Removing intermediate container ID',
      ' ---> ID',
      'Successfully built ID',
      'Successfully tagged told:1',
      '',
    ]);
    const again = await built('told:2', files);
    assert.equal(again.split(' ---> Using cache').length - 1, 3);
    assert.equal(
      /---> ([0-9a-f]{12})\nSuccessfully built ([0-9a-f]{12})/.exec(again)?.slice(1, 3).join(),
      Array(2)
        .fill((await inspect('told:2')).Id.slice(7, 19))
        .join(),
    );
  });

  test('only what changed is built again', async () => {
    const dockerfile = `FROM ${image}\nRUN cat /proc/sys/kernel/random/uuid > /first\nCOPY f /\nRUN cat /proc/sys/kernel/random/uuid > /second\n`;
    const read = async (name: string) => (await output(name, 'cat', '/first', '/second')).split('\n');
    const said = [];
    for (const [index, text] of ['one', 'one', 'two'].entries()) {
      said.push(await built(`again:${index}`, { Dockerfile: dockerfile, f: text }));
    }
    const [first, second, third] = await Promise.all([read('again:0'), read('again:1'), read('again:2')]);
    assert.deepEqual(second, first);
    assert.equal(third[0], first[0]);
    assert.notEqual(third[1], first[1]);
    assert.match(said[1]!, /Using cache/);
    assert.doesNotMatch(said[0]!, /Using cache/);
    await built('again:3', { Dockerfile: dockerfile, f: 'two' }, ['--no-cache']);
    assert.notEqual((await read('again:3'))[0], first[0]);
  });

  test('what .dockerignore names is not there', async () => {
    const files = { Dockerfile: `FROM ${image}\nCOPY . /c\n`, '.dockerignore': '**/*.log\n!keep.log\nsecret\n' };
    await built('ignored:1', { ...files, 'a.log': '', 'd/b.log': '', 'keep.log': '', secret: '', seen: '' });
    assert.deepEqual((await output('ignored:1', 'find', '/c', '-type', 'f')).trim().split('\n').sort(), [
      '/c/.dockerignore',
      '/c/Dockerfile',
      '/c/keep.log',
      '/c/seen',
    ]);
  });

  test('a command that fails ends the build with its code and output', async () => {
    const { code, stdout, stderr } = await build({ Dockerfile: `FROM ${image}\nRUN echo spoken; exit 3\n` });
    assert.equal(code, 3);
    assert.match(stdout, /spoken/);
    assert.equal(
      stderr.trim().split('\n').pop(),
      "The command '/bin/sh -c echo spoken; exit 3' returned a non-zero code: 3",
    );
  });

  test('a missing file is named', async () => {
    const { code, stderr } = await build({ Dockerfile: `FROM ${image}\nCOPY nothing /\n` });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /COPY failed: file not found in build context or excluded by \.dockerignore: stat nothing: file does not exist/,
    );
  });

  test('bad Dockerfiles are refused with words', async () => {
    for (const [text, words] of [
      ['', /the Dockerfile.* cannot be empty/],
      [`FROM ${image}\nFOO bar\n`, /unknown instruction: FOO/],
      ['RUN true\n', /no build stage in current context/],
      [
        `FROM ${image}\nCOPY ../up /\n`,
        /COPY failed: (forbidden path outside the build context|file not found in build context)/,
      ],
    ] as const) {
      const { code, stderr } = await build({ Dockerfile: text });
      assert.equal(code, 1, text);
      assert.match(stderr, words);
    }
  });

  test('a Dockerfile by itself, and one of another name', async () => {
    const directory = context({ 'other/Made': `FROM ${image}\nRUN echo other > /o\n` });
    const env = { DOCKER_BUILDKIT: '0' };
    const named = await engine.daemon.docker(['build', '-q', '-f', `${directory}/other/Made`, directory], { env });
    assert.match(named.stdout, /^sha256:[0-9a-f]{64}\n$/, named.stderr);
    assert.equal(await output(named.stdout.trim(), 'cat', '/o'), 'other\n');
  });

  test('limits and hosts of the request hold in its steps', async () => {
    const dockerfile = `FROM ${image}\nRUN grep added /etc/hosts && ulimit -n && df -k /dev/shm | tail -1\n`;
    const said = await built('limits:1', { Dockerfile: dockerfile }, [
      '--add-host=added:10.9.8.7',
      '--ulimit=nofile=333:444',
      '--shm-size=3m',
    ]);
    assert.match(said, /10\.9\.8\.7\s+added/);
    assert.match(said, /^333$/m);
    assert.match(said, /\b3072\b/);
  });

  test('no network where none is asked for', async () => {
    const said = await built('alone:1', { Dockerfile: `FROM ${image}\nRUN ls /sys/class/net\n` }, ['--network=none']);
    assert.match(said, /^lo$/m);
    assert.doesNotMatch(said, /eth0/);
  });

  test('history tells of each instruction', async () => {
    await built('told:1', { Dockerfile: `FROM ${image}\nENV A=b\nRUN echo x > /x\nCMD ["sh"]\n` });
    const { json } = await engine.api('GET', '/images/told:1/history');
    const said = json.map(({ CreatedBy }: { CreatedBy: string }) => CreatedBy);
    assert.match(said[0], /CMD \["sh"\]/);
    assert.match(said[1], /echo x > \/x/);
    assert.match(said[2], /ENV A=b/);
    assert.ok(json[1].Size > 0);
  });
});

describe('a build again', () => {
  test('makes the same image, and leaves none without a name behind', async () => {
    const files = { Dockerfile: `FROM ${image}\nENV A=1\nRUN echo x > /x\nCOPY a /a\nCMD ["cat", "/x"]\n`, a: 'A' };
    await built('again:1', files);
    const { Id, Created } = await inspect('again:1');
    await built('again:1', files);
    assert.deepEqual([(await inspect('again:1')).Id, (await inspect('again:1')).Created], [Id, Created]);
    await built('again:2', { ...files, Dockerfile: `FROM ${image}\nENV B=1\n` });
    const { Id: bare } = await inspect('again:2');
    await built('again:2', { ...files, Dockerfile: `FROM ${image}\nENV B=1\n` });
    assert.equal((await inspect('again:2')).Id, bare);
    const dangling = await engine.api('GET', `/images/json?filters=${encodeURIComponent('{"dangling":["true"]}')}`);
    assert.ok(dangling.json.every((other: { Id: string }) => ![Id, bare].includes(other.Id)));
  });
});

describe('what builds keep', wharfOnly(), () => {
  test('is listed, pruned, and built again after that', async () => {
    const dockerfile = `FROM ${image}\nRUN --mount=type=cache,id=held,target=/c echo x >> /c/n; wc -l < /c/n > /lines\n`;
    await built('cached:1', { Dockerfile: dockerfile });
    const { json } = await engine.api('GET', '/system/df?type=build-cache');
    const records = json.BuildCache as { Type: string; Shared: boolean; Description: string; Size: number }[];
    const mount = records.find(({ Description }) => Description === 'cached mount /held');
    assert.equal(mount?.Type, 'exec.cachemount');
    assert.equal(mount.Size, 2);
    assert.ok(records.some(({ Type, Shared }) => Type === 'regular' && Shared));
    const unknown = await engine.api('POST', `/build/prune?filters=${encodeURIComponent('{"colour":["red"]}')}`);
    assert.equal(unknown.status, 400, unknown.text);
    const some = await engine.api('POST', '/build/prune');
    assert.equal(some.status, 200);
    const left = (await engine.api('GET', '/system/df?type=build-cache')).json.BuildCache;
    assert.ok(left.length > 0 && left.every(({ Shared }: { Shared: boolean }) => Shared));
    const all = await engine.api('POST', '/build/prune?all=1');
    assert.equal(all.json.CachesDeleted.length, left.length);
    assert.deepEqual((await engine.api('GET', '/system/df?type=build-cache')).json.BuildCache, []);
    assert.equal(await output('cached:1', 'cat', '/lines'), '1\n');
    assert.doesNotMatch(await built('cached:2', { Dockerfile: dockerfile }), /Using cache/);
  });

  test('two builds at the same time make a step once', async () => {
    const dockerfile = `FROM ${image}\nRUN cat /proc/sys/kernel/random/uuid > /u; sleep 0.3\n`;
    await Promise.all(['same:1', 'same:2'].map((name) => built(name, { Dockerfile: dockerfile })));
    assert.equal(await output('same:1', 'cat', '/u'), await output('same:2', 'cat', '/u'));
  });
});

describe('a build that does not reach its end', wharfOnly(), () => {
  /** A build whose step has said that it runs. */
  async function underWay() {
    const dockerfile = `FROM ${image}\nRUN echo begun; sleep 1000\n`;
    const open = await engine.daemon.open('POST', '/build', tar([{ name: 'Dockerfile', content: dockerfile }]), {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.equal(open.status, 200);
    let said = '';
    for await (const chunk of open.body) {
      said += chunk.toString();
      if (said.includes('{"stream":"begun')) break;
    }
    return open;
  }

  /** Mounts and processes of steps; what is kept warm for containers to come changes by itself. */
  async function traces(): Promise<string[]> {
    return (await engine.daemon.sandbox.leftovers()).filter((line) => /^mount|^process sleep/.test(line)).sort();
  }

  /** Nothing is there but what was: a container that has just ended may still go meanwhile. */
  async function returnsTo(before: readonly string[]): Promise<void> {
    const added = async () => (await traces()).filter((line) => !before.includes(line));
    for (let attempt = 0; attempt < 100 && (await added()).length > 0; attempt++);
    assert.deepEqual(await added(), []);
  }

  test('a client that goes away ends the step; nothing of it stays', async () => {
    const before = await traces();
    const { socket } = await underWay();
    socket.destroy();
    await returnsTo(before);
  });

  test('a daemon that is killed leaves nothing of it to the next', async () => {
    const before = await traces();
    await underWay();
    await engine.daemon.kill();
    await engine.daemon.start();
    await returnsTo(before);
    const { json } = await engine.api('GET', '/containers/json?all=1');
    assert.deepEqual(json, []);
  });
});
