// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the language's own braces
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SourceError } from '../source-error.ts';
import { convertText } from './fake-resolver.ts';

const pinned = `docker.io/library/base:latest@sha256:${'b'.repeat(64)}`;

describe('steps are named as progress shows them', () => {
  const rows: [text: string, names: string[]][] = [
    ['FROM base\nRUN a', [`[1/2] FROM ${pinned}`, '[2/2] RUN a']],
    ['from base\nrun a', [`[1/2] FROM ${pinned}`, '[2/2] RUN a']],
    ['FROM scratch\nCOPY a /', ['[internal] load build context', '[1/1] COPY a /']],
    ['FROM base AS x\nRUN a\nFROM x\nRUN b', [`[x 1/2] FROM ${pinned}`, '[x 2/2] RUN a', '[stage-1 1/1] RUN b']],
    ['FROM base\nARG A=1\nRUN echo $A "$A" $UNSET', [`[1/2] FROM ${pinned}`, '[2/2] RUN echo 1 "1" $UNSET']],
    ['FROM base\nWORKDIR sub', [`[1/2] FROM ${pinned}`, '[2/2] WORKDIR sub']],
    ['FROM base\nRUN <<EOF\necho a\necho b\nEOF', [`[1/2] FROM ${pinned}`, '[2/2] RUN <<EOF (echo a...)']],
    [
      'FROM base AS unused\nRUN never\nFROM scratch\nCOPY a /',
      ['[internal] load build context', '[stage-1 1/1] COPY a /'],
    ],
    ['FROM scratch\nCOPY --from=base /x /y', [`FROM ${pinned}`, '[stage-0 1/1] COPY --from=base /x /y']],
  ];
  for (const [text, names] of rows) {
    test(JSON.stringify(text), async () => assert.deepEqual((await convertText(text)).names, names));
  }

  test('for several platforms with the platform', async () => {
    const { names } = await convertText('FROM --platform=$BUILDPLATFORM base\nARG TARGETARCH\nRUN a', {
      platform: 'linux/arm64',
      'multi-platform': 'true',
    });
    assert.deepEqual(names, [`[linux/amd64 1/2] FROM ${pinned}`, '[linux/amd64->arm64 2/2] RUN a']);
  });
});

describe('history tells each instruction', () => {
  const rows: [instruction: string, entry: string][] = [
    ['RUN a  b', 'RUN /bin/sh -c a  b # buildkit'],
    ['RUN ["a", "b"]', 'RUN a b # buildkit'],
    ['COPY a b /c/', 'COPY a b /c/ # buildkit'],
    ['COPY --chown=1:2 --chmod=644 a /c', 'COPY --chown=1:2 --chmod=644 a /c # buildkit'],
    ['COPY --link a /c', 'COPY a /c # buildkit'],
    ['COPY --parents a/b /c/', 'COPY --parents a/b /c/ # buildkit'],
    ['COPY <<x /c\ndata\nx', 'COPY <<x /c # buildkit'],
    ['ADD https://example.com/a.txt /c', 'ADD https://example.com/a.txt /c # buildkit'],
    ['ENV A=1 B="2 3"', 'ENV A=1 B=2 3'],
    ['LABEL a=b', 'LABEL a=b'],
    ['ARG A=1', 'ARG A=1'],
    ['ARG A', 'ARG A'],
    ['CMD a b', 'CMD ["/bin/sh" "-c" "a b"]'],
    ['CMD ["a", "b\\""]', 'CMD ["a" "b\\""]'],
    ['ENTRYPOINT ["a"]', 'ENTRYPOINT ["a"]'],
    ['EXPOSE 80 443/udp', 'EXPOSE map[443/udp:{} 80/tcp:{}]'],
    ['USER a', 'USER a'],
    ['VOLUME /a /b', 'VOLUME [/a /b]'],
    ['WORKDIR sub', 'WORKDIR /base/sub'],
    ['STOPSIGNAL SIGINT', 'STOPSIGNAL SIGINT'],
    ['SHELL ["/bin/bash", "-c"]', 'SHELL [/bin/bash -c]'],
    ['MAINTAINER me', 'MAINTAINER me'],
    ['HEALTHCHECK --interval=90s CMD a', 'HEALTHCHECK &{["CMD-SHELL" "a"] "1m30s" "0s" "0s" "0s" \'\\x00\'}'],
  ];
  for (const [instruction, entry] of rows) {
    test(instruction, async () => assert.deepEqual((await convertText(`FROM base\n${instruction}`)).history, [entry]));
  }
  test('with the arguments that a command ran with', async () => {
    const { history } = await convertText('FROM base\nARG A=1\nARG B\nRUN x', { 'build-arg:B': '2' });
    assert.deepEqual(history, ['ARG A=1', 'ARG B=2', 'RUN |2 A=1 B=2 /bin/sh -c x # buildkit']);
  });
});

describe('the config', () => {
  const rows: [instructions: string, part: object][] = [
    ['', { Env: ['PATH=/bin', 'BASE=yes'], WorkingDir: '/base', Cmd: ['sh'] }],
    ['ENV A=$BASE PATH=/x:$PATH', { Env: ['PATH=/x:/bin', 'BASE=yes', 'A=yes'] }],
    ['ENV A=1\nENV A=2 B=$A', { Env: ['PATH=/bin', 'BASE=yes', 'A=2', 'B=1'] }],
    ['WORKDIR /a\nWORKDIR b\nWORKDIR ../c', { WorkingDir: '/a/c' }],
    ['ENTRYPOINT ["e"]', { Entrypoint: ['e'], Cmd: undefined }],
    ['CMD ["c"]\nENTRYPOINT ["e"]', { Entrypoint: ['e'], Cmd: ['c'] }],
    ['SHELL ["bash"]\nCMD x', { Shell: ['bash'], Cmd: ['bash', 'x'] }],
    ['EXPOSE 1-3/udp', { ExposedPorts: { '1/udp': {}, '2/udp': {}, '3/udp': {} } }],
    ['LABEL a=1 b="x y"\nLABEL a=2', { Labels: { a: '2', b: 'x y' } }],
    ['VOLUME ["/v w"]', { Volumes: { '/v w': {} } }],
    ['USER $BASE:g', { User: 'yes:g' }],
    ['ONBUILD RUN x', { OnBuild: ['RUN x'] }],
    ['ARG A=1\nENV B=$A', { Env: ['PATH=/bin', 'BASE=yes', 'B=1'] }],
  ];
  for (const [instructions, part] of rows) {
    test(JSON.stringify(instructions), async () => {
      const { image } = await convertText(`FROM base\n${instructions}`);
      const config = image.config as Record<string, unknown>;
      assert.deepEqual(Object.fromEntries(Object.keys(part).map((key) => [key, config[key]])), part);
    });
  }
  test('of scratch is the platform and a PATH', async () => {
    const { image } = await convertText('FROM scratch\nLABEL a=b', { platform: 'linux/arm64' });
    assert.deepEqual([image.os, image.architecture, image.config.Env?.length], ['linux', 'arm64', 1]);
  });
  test('has the labels that were asked for, over those of the file', async () => {
    const { image } = await convertText('FROM base\nLABEL a=1 b=2', { 'label:a': '3' });
    assert.deepEqual(image.config.Labels, { a: '3', b: '2' });
  });
});

describe('arguments', () => {
  const rows: [title: string, text: string, attributes: Record<string, string>, value: string][] = [
    ['have defaults', 'FROM base\nARG A=1\nENV X=$A', {}, '1'],
    ['are given', 'FROM base\nARG A=1\nENV X=$A', { 'build-arg:A': '2' }, '2'],
    ['are unknown until declared', 'ARG A=1\nFROM base\nENV X=$A', {}, ''],
    ['come from the global scope', 'ARG A=1\nFROM base\nARG A\nENV X=$A', {}, '1'],
    ['given ones too', 'ARG A=1\nFROM base\nARG A\nENV X=$A', { 'build-arg:A': '2' }, '2'],
    ['refer to others', 'ARG A=1\nARG B=${A}2\nFROM base\nARG B\nENV X=$B', {}, '12'],
    [
      'name platforms',
      'FROM base\nARG TARGETPLATFORM\nENV X=$TARGETPLATFORM',
      { platform: 'linux/arm64' },
      'linux/arm64',
    ],
    ['of the builder too', 'FROM base\nARG BUILDARCH\nENV X=$BUILDARCH', {}, 'amd64'],
    ['pass on to stages that base on this one', 'FROM base AS a\nARG A=1\nFROM a\nENV X=$A', {}, '1'],
    ['choose the base', 'ARG IMG=nothing\nFROM $IMG\nENV X=$BASE', { 'build-arg:IMG': 'base' }, 'yes'],
  ];
  for (const [title, text, attributes, value] of rows) {
    test(title, async () => {
      const { image } = await convertText(text, attributes);
      assert.equal(
        image.config.Env?.find((entry) => entry.startsWith('X=')),
        `X=${value}`,
      );
    });
  }
});

test('only what is copied is asked of the client', async () => {
  const { ops } = await convertText('FROM scratch\nCOPY b/c a /\nADD d /\nADD https://x/y /');
  const context = ops.find(({ name }) => name === '[internal] load build context')!.op.op;
  assert.equal(context.case === 'source' && context.value.attrs['local.followpaths'], '["a","b/c","d"]');
});

test('COPY . asks for everything', async () => {
  const { ops } = await convertText('FROM scratch\nCOPY a /\nCOPY . /', {}, { ignore: ['node_modules'] });
  const context = ops.find(({ name }) => name === '[internal] load build context')!.op.op;
  assert(context.case === 'source');
  assert.equal(context.value.attrs['local.followpaths'], undefined);
  assert.equal(context.value.attrs['local.excludepatterns'], '["node_modules"]');
});

test('a copy says how', async () => {
  const { ops } = await convertText('FROM base\nCOPY --chown=app:1 --chmod=750 --exclude=*.md a/ b* dir/');
  const file = ops.at(-1)!.op.op;
  assert(file.case === 'file');
  const [first, second] = file.value.actions.map(({ action, input, secondaryInput, output }) => {
    assert(action.case === 'copy');
    const { src, dest, mode, allowWildcard, dirCopyContents, excludePatterns, owner } = action.value;
    const user = owner?.user?.user;
    return {
      src,
      dest,
      mode,
      allowWildcard,
      dirCopyContents,
      excludePatterns,
      user: user?.case,
      edges: [input, secondaryInput, output],
    };
  });
  const same = {
    dest: '/base/dir/',
    mode: 0o750,
    allowWildcard: true,
    dirCopyContents: true,
    excludePatterns: ['*.md'],
    user: 'byName',
  };
  assert.deepEqual(first, { src: '/a', ...same, edges: [0n, 1n, -1n] });
  assert.deepEqual(second, { src: '/b*', ...same, edges: [2n, 1n, 0n] });
});

test('a linked copy is a layer of its own', async () => {
  const { ops, names } = await convertText('FROM base\nCOPY --link a /');
  assert.equal(ops.at(-1)!.op.op.case, 'merge');
  assert.equal(names.at(-1), '[2/2] LINK COPY --link a /');
});

test('a command has what its mounts and flags say', async () => {
  const { ops } = await convertText(
    'FROM base\nRUN --network=none --mount=type=cache,target=/c,sharing=locked --mount=type=secret,id=s,env=S --mount=type=tmpfs,target=/t,size=1k --mount=target=/src,rw make',
    { 'build-arg:HTTP_PROXY': 'http://p', 'add-hosts': 'h=1.2.3.4' },
  );
  const exec = ops.at(-1)!.op.op;
  assert(exec.case === 'exec');
  const { meta, mounts, network, secretenv } = exec.value;
  assert.deepEqual(meta?.args, ['/bin/sh', '-c', 'make']);
  assert.deepEqual([meta?.cwd, meta?.proxyEnv?.httpProxy, meta?.extraHosts[0]?.IP], ['/base', 'http://p', '1.2.3.4']);
  assert.deepEqual(
    mounts.map(({ dest, mountType }) => [dest, mountType]),
    [
      ['/', 0],
      ['/c', 3],
      ['/src', 0],
      ['/t', 4],
    ],
  );
  assert.deepEqual(
    [mounts[1]?.cacheOpt?.ID, mounts[1]?.cacheOpt?.sharing, mounts[3]?.TmpfsOpt?.size],
    ['//c', 2, 1024n],
  );
  assert.deepEqual([network, secretenv[0]?.name, secretenv[0]?.optional], [2, 'S', true]);
});

test('triggers of the base run first', async () => {
  const { names, image } = await convertText('FROM trigger\nRUN own');
  assert.deepEqual(
    names.filter((name) => name.includes('RUN') || name.includes('COPY')),
    ['[2/4] ONBUILD RUN triggered', '[3/4] ONBUILD COPY --from=other /x /y', '[4/4] RUN own'],
  );
  assert.equal(image.config.OnBuild, undefined);
});

describe('what is wrong points at its line', () => {
  const rows: [text: string, message: string, line: number | undefined, attributes?: Record<string, string>][] = [
    ['FROM bse', 'bse: docker.io/library/bse:latest: not found', 1],
    ['FROM debain', 'debain: docker.io/library/debain:latest: not found (did you mean debian?)', 1],
    [
      'FROM UPPER',
      'failed to parse stage name "UPPER": invalid reference format: repository name (library/UPPER) must be lowercase',
      1,
    ],
    ['FROM $X', 'base name ($X) should not be blank', 1],
    ['FROM base AS a\nFROM base\nCOPY --from=9 a b', 'invalid stage index 9', 3],
    ['FROM base\nEXPOSE 80/abc', 'invalid proto: abc', 2],
    ['FROM base\nEXPOSE x', 'invalid containerPort: x', 2],
    ['FROM base\nSTOPSIGNAL NOPE', 'invalid signal: NOPE', 2],
    ['FROM base\nCOPY https://x/y /', "source can't be a URL for COPY", 2],
    [
      'FROM base\nCOPY --chmod=999 a /',
      "invalid chmod parameter: '999'. it should be octal string and between 0 and 07777",
      2,
    ],
    ['FROM base\nADD --checksum=sha256:00 a /', "checksum can't be specified for non-HTTP(S) sources", 2],
    ['FROM base\nRUN --mount=target=/ x', 'invalid mount target "/"', 2],
    ['FROM base\nENV A=${B:?needed}', 'B: needed', 2],
    [
      'FROM --platform=nonsense/ base',
      '"nonsense/" is an invalid component of "nonsense/": platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument',
      1,
    ],
    ['FROM base', 'target stage "x" could not be found', undefined, { target: 'x' }],
    [
      'FROM base AS build',
      'target stage "buid" could not be found (did you mean build?)',
      undefined,
      { target: 'buid' },
    ],
  ];
  for (const [text, message, line, attributes] of rows) {
    test(message, async () => {
      await assert.rejects(convertText(text, attributes), (error: Error) => {
        assert.ok(error.message.endsWith(message), error.message);
        if (line !== undefined) assert.equal((error as SourceError).ranges[0]?.start.line, line);
        return true;
      });
    });
  }
});
