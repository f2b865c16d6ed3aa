import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { marshal } from '@wharf/build/dockerfile/llb/marshal';
import { createVertex, outputOf, type State } from '@wharf/build/dockerfile/llb/vertex';
import { Control } from '@wharf/build/pb/control_pb';
import { LLBBridge } from '@wharf/build/pb/gateway_pb';
import { tar } from '../fixtures/tar.ts';
import { buildContext } from '../harness/build-context.ts';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { withControl } from '../harness/control.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const image = 'docker-image://docker.io/library/busybox:latest';
let builds = 0;

const base = outputOf(createVertex(() => ({ op: { case: 'source', value: { identifier: image } } })));

function shell(input: State, script: string): State {
  const meta = { args: ['/bin/sh', '-c', script], cwd: '/', env: ['PATH=/bin'] };
  return outputOf(
    createVertex((inputs) => ({
      op: { case: 'exec', value: { meta, mounts: [{ input: inputs.add(input), dest: '/', output: 0n }] } },
    })),
  );
}

function diff(lower: State, upper: State): State {
  return outputOf(
    createVertex((inputs) => {
      const value = { lower: { input: inputs.add(lower) }, upper: { input: inputs.add(upper) } };
      return { op: { case: 'diff', value } };
    }),
  );
}

function merge(...states: State[]): State {
  return outputOf(
    createVertex((inputs) => ({
      op: { case: 'merge', value: { inputs: states.map((state) => ({ input: inputs.add(state) })) } },
    })),
  );
}

/** Builds a graph as a client's own program would, and names the result. */
async function solve(state: State, name: string): Promise<void> {
  const { def, metadata } = marshal(state);
  const empty = Object.fromEntries(Object.keys(metadata).map((digest) => [digest, {}]));
  await withControl(engine.daemon.socket, async (call) => {
    await call(Control.method.solve, {
      Ref: `graph-${++builds}`,
      Definition: { def: [...def], metadata: empty },
      Exporters: [{ Type: 'image', Attrs: { name } }],
    });
  });
}

describe('graphs of clients', wharfOnly(), () => {
  test('a difference is what one result has over another, and goes on top of a third', async () => {
    const before = shell(base, 'mkdir /d && echo old > /d/old && echo same > /d/same');
    const after = shell(before, 'rm /d/old && echo new > /d/new');
    const other = shell(base, 'mkdir /d && echo old > /d/old && echo own > /d/own');
    await solve(merge(other, diff(before, after)), 'diff:1');
    assert.equal(await engine.docker('run', '--rm', 'diff:1', 'ls', '/d'), 'new\nown');
    // These two have no layers in common but the image's.
    await solve(merge(other, diff(before, other)), 'diff:2');
    assert.equal(await engine.docker('run', '--rm', 'diff:2', 'ls', '/d'), 'old\nown');
  });
});

describe('a build that its client drives', wharfOnly(), () => {
  test('looks at files of results before it says which one is the build’s', async () => {
    const id = `driven-${++builds}`;
    const state = shell(
      base,
      'mkdir /d && echo text > /d/file && ln -s file /d/link && mkfifo /d/pipe && chmod 640 /d/file',
    );
    const { def } = marshal(state);
    const call = async (caller: Parameters<Parameters<typeof withControl>[1]>[0]) => {
      const building = caller(Control.method.solve, {
        Ref: id,
        Exporters: [{ Type: 'image', Attrs: { name: 'driven:1' } }],
      });
      const { solve, readDir, statFile, readFile, return: finish } = LLBBridge.method;
      const [solved] = await caller(solve, { Definition: { def: [...def] } });
      const result = solved!.result?.result;
      assert.equal(result?.case, 'ref');
      const Ref = result.value.id;
      const [listed] = await caller(readDir, { Ref, DirPath: '/d' });
      assert.deepEqual(
        listed!.entries.map(({ path }) => path),
        ['file', 'link', 'pipe'],
      );
      assert.equal(listed!.entries[1]!.linkname, 'file');
      const [matching] = await caller(readDir, { Ref, DirPath: 'd', IncludePattern: '*i*e' });
      assert.deepEqual(
        matching!.entries.map(({ path }) => path),
        ['file', 'pipe'],
      );
      const [file] = await caller(statFile, { Ref, Path: '/d/link' });
      assert.deepEqual([file!.stat?.size, file!.stat?.mode], [5n, 0o640]);
      await assert.rejects(caller(statFile, { Ref, Path: '/d/none' }), /no such file/);
      const [read] = await caller(readFile, { Ref, FilePath: '/d/file' });
      assert.equal(Buffer.from(read!.Data).toString(), 'text\n');
      await caller(finish, { result: { result: { case: 'ref', value: { id: Ref } } } });
      await building;
    };
    await withControl(engine.daemon.socket, call, { 'buildkit-controlapi-buildid': id });
    assert.equal(await engine.docker('run', '--rm', 'driven:1', 'cat', '/d/file'), 'text');
  });
});

describe('a mount of the client’s files that may be written', wharfOnly(), () => {
  test('is the step’s own: the next one has them as they were', withBuildx, async () => {
    const directory = buildContext(engine.daemon, {
      Dockerfile: `FROM busybox
RUN --mount=type=bind,rw,target=/w echo changed > /w/f && rm /w/g && touch /w/h && ls /w | tr '\\n' ' ' > /first
RUN --mount=type=bind,target=/w cat /w/f /w/g > /second && ls /w | tr '\\n' ' ' >> /second
`,
      f: 'f\n',
      g: 'g\n',
    });
    const { code, stderr } = await buildx(engine.daemon, ['build', '-t', 'bound:1', directory]);
    assert.equal(code, 0, stderr);
    const shown = await engine.docker('run', '--rm', 'bound:1', 'cat', '/first', '/second');
    assert.equal(shown, 'Dockerfile f h f\ng\nDockerfile f g');
  });
});

describe('a step that two builds need', wharfOnly(), () => {
  const context = tar([
    {
      name: 'Dockerfile',
      content:
        'FROM busybox\nRUN echo begun; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; cat /proc/sys/kernel/random/uuid > /u\n',
    },
  ]);
  const headers = { 'Content-Type': 'application/x-tar' };

  async function begin(name: string) {
    const { body, socket } = await engine.daemon.open('POST', `/build?t=${name}`, context, { headers });
    return { body, socket };
  }

  test('is made by the second one when the client of the first leaves', async () => {
    const first = await begin('left:1');
    let said = '';
    for await (const chunk of first.body) {
      said += chunk.toString();
      if (said.includes('begun')) break;
    }
    const others = await Promise.all(['left:2', 'left:3'].map(begin));
    first.socket.destroy();
    const told = await Promise.all(
      others.map(async ({ body }) => {
        let text = '';
        for await (const chunk of body) text += chunk.toString();
        return text;
      }),
    );
    for (const text of told) assert.match(text, /Successfully built/);
    const made = await Promise.all(['left:2', 'left:3'].map((name) => engine.docker('run', '--rm', name, 'cat', '/u')));
    assert.equal(made[0], made[1]);
    assert.equal((await engine.api('GET', '/images/left:1/json')).status, 404);
  });
});
