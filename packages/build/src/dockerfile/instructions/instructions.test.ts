import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDockerfile } from '../parser/parser.ts';
import { SourceError } from '../source-error.ts';
import type { Instruction } from './instruction.ts';
import { parseMount } from './mount.ts';
import { parseInstruction } from './parse-instruction.ts';
import { parseStages } from './parse-stages.ts';

function read(text: string): Instruction {
  return parseInstruction(parseDockerfile(text).nodes[0]!);
}

describe('an instruction that is wrong says what would be right', () => {
  const rows: [text: string, message: string][] = [
    ['FORM a', 'unknown instruction: FORM (did you mean FROM?)'],
    ['runn a', 'unknown instruction: runn (did you mean run?)'],
    ['SOMETHING a', 'unknown instruction: SOMETHING'],
    ['FROM', 'FROM requires either one or three arguments'],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM a IS b', 'FROM requires either one or three arguments'],
    ['FROM a AS 1b', 'invalid name for build stage: "1b", name can\'t start with a number or contain symbols'],
    ['FROM --platfrom=x a', 'unknown flag: --platfrom (did you mean platform?)'],
    ['FROM --platform a', 'missing a value on flag: --platform'],
    ['FROM --platform=a --platform=b a', 'duplicate flag specified: --platform'],
    ['COPY a', 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
    ['ADD a', 'ADD requires at least two arguments, but only one was provided. Destination could not be determined'],
    ['COPY a <<B\nB', 'COPY cannot accept a heredoc as a destination'],
    ['COPY --link=maybe a b', 'expecting boolean value for flag --link, not: maybe'],
    ['COPY --link= a b', 'missing a value on flag: --link'],
    ['COPY --checksum=x a b', 'unknown flag: --checksum'],
    ['ADD --from=x a b', 'unknown flag: --from'],
    ['RUN --network=all a', 'invalid network mode: "all"'],
    ['RUN --security=none a', 'security "none" is not valid'],
    ['RUN --mount=from=$X,target=/a b', "'from' doesn't support variable expansion, define alias stage instead"],
    ['RUN --nework=none a', 'unknown flag: --nework (did you mean network?)'],
    ['ENV =a', 'ENV names can not be blank'],
    ['ENV', 'ENV requires at least one argument'],
    ['LABEL =a', 'LABEL names can not be blank'],
    ['ARG', 'ARG requires at least one argument'],
    ['ARG =a', 'ARG names can not be blank'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['VOLUME [""]', 'VOLUME specified can not be an empty string'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['USER', 'USER requires exactly one argument'],
    ['STOPSIGNAL', 'STOPSIGNAL requires exactly one argument'],
    ['MAINTAINER', 'MAINTAINER requires exactly one argument'],
    ['SHELL a', 'SHELL requires the arguments to be in JSON form: SHELL a'],
    ['SHELL []', 'SHELL requires at least one argument'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['ONBUILD ONBUILD RUN a', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD FROM a', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD maintainer a', "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK NONE a', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK RUN a', 'Unknown type "RUN" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK --interval=1us CMD a', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --interval=1 CMD a', 'time: invalid duration "1"'],
    ['HEALTHCHECK --retries=-1 CMD a', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --retries=x CMD a', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['HEALTHCHECK --period=1s CMD a', 'unknown flag: --period'],
  ];
  for (const [text, message] of rows) test(text, () => assert.throws(() => read(text), { message }));
});

describe('an instruction is understood', () => {
  const rows: [text: string, part: Partial<Record<string, unknown>>][] = [
    ['FROM a AS B', { base: 'a', name: 'b', typedName: 'B', asKeyword: 'AS' }],
    ['# b is built\nFROM a AS b', { comment: 'is built' }],
    ['FROM --platform=$BUILDPLATFORM a', { platform: '$BUILDPLATFORM' }],
    ['COPY a b /c', { sources: ['a', 'b'], destination: '/c', from: '', link: false, parents: false }],
    [
      'COPY --from=x --link --parents --exclude=*.md --exclude=d a b',
      { from: 'x', link: true, parents: true, exclude: ['*.md', 'd'] },
    ],
    ['COPY --link=false a b', { link: false }],
    ['COPY --chmod=u+x --chown=a:b a b', { chmod: 'u+x', chown: 'a:b' }],
    [
      'COPY <<a <<b c /d/\n1\na\n2\nb',
      {
        sources: ['c'],
        inline: [
          { path: 'a', content: '1\n', expand: true },
          { path: 'b', content: '2\n', expand: true },
        ],
      },
    ],
    ['COPY <<-"a" /d\n\t1\na', { inline: [{ path: 'a', content: '1\n', expand: false }] }],
    [
      'ADD --keep-git-dir --checksum=sha256:x --unpack=false a b',
      { keepGitDir: true, checksum: 'sha256:x', unpack: false },
    ],
    ['RUN a', { args: ['a'], shell: true, network: 'default', security: 'sandbox' }],
    ['RUN ["a"]', { args: ['a'], shell: false }],
    ['RUN --network=host --security=insecure --device=x a', { network: 'host', security: 'insecure', devices: ['x'] }],
    ['RUN --mount=type=cache,target=$X --mount=type=ssh a', { mounts: ['type=cache,target=$X', 'type=ssh'] }],
    [
      'ARG A B=1',
      {
        args: [
          { key: 'A', value: undefined, comment: '' },
          { key: 'B', value: '1', comment: '' },
        ],
      },
    ],
    ['# A says what\nARG A', { args: [{ key: 'A', value: undefined, comment: 'says what' }] }],
    ['ENV A 1 2', { pairs: [{ key: 'A', value: '1 2' }], withoutEquals: true }],
    ['EXPOSE 90 80', { ports: ['80', '90'] }],
    ['HEALTHCHECK NONE', { healthcheck: { Test: ['NONE'] } }],
    ['HEALTHCHECK CMD a b', { healthcheck: { Test: ['CMD-SHELL', 'a b'] } }],
    ['HEALTHCHECK cmd ["a", "b"]', { healthcheck: { Test: ['CMD', 'a', 'b'] } }],
    [
      'HEALTHCHECK --interval=1m --timeout=2s --start-period=3s --start-interval=4ms --retries=5 CMD a',
      {
        healthcheck: {
          Test: ['CMD-SHELL', 'a'],
          Interval: 60e9,
          Timeout: 2e9,
          StartPeriod: 3e9,
          StartInterval: 4e6,
          Retries: 5,
        },
      },
    ],
    ['HEALTHCHECK --interval=0s CMD a', { healthcheck: { Test: ['CMD-SHELL', 'a'] } }],
    ['onbuild run a', { trigger: 'run a' }],
    ['ONBUILD RUN <<A\nx\nA', { trigger: 'RUN <<A\nx\nA' }],
    ['VOLUME " /a "', { paths: ['"', '/a', '"'] }],
  ];
  for (const [text, part] of rows) {
    test(text, () => {
      const instruction = read(text) as unknown as Record<string, unknown>;
      assert.deepEqual(Object.fromEntries(Object.keys(part).map((key) => [key, instruction[key]])), part);
    });
  }
});

describe('a mount', () => {
  const rows: [text: string, part: Partial<Record<string, unknown>>][] = [
    ['target=/a', { type: 'bind', target: '/a', readOnly: true }],
    ['target=/a,rw', { readOnly: false }],
    ['dst=/a,readonly=false', { target: '/a', readOnly: false }],
    ['type=bind,from=x,src=/y,destination=/z', { from: 'x', source: '/y', target: '/z' }],
    ['type=CACHE,target=/a', { type: 'cache', readOnly: false }],
    [
      'type=cache,target=/a,id=b,sharing=locked,mode=0700,uid=1,gid=2',
      { id: 'b', sharing: 'locked', mode: 0o700, uid: 1, gid: 2 },
    ],
    ['type=cache,target=/a,ro', { readOnly: true }],
    ['type=tmpfs,target=/a,size=10m', { type: 'tmpfs', size: 10 << 20, readOnly: false }],
    ['type=secret,id=a', { type: 'secret', id: 'a', required: false }],
    ['type=secret,id=a,env=TOKEN,required', { env: 'TOKEN', required: true }],
    ['type=secret,src=a,required=true', { source: 'a', required: true }],
    ['type=ssh', { type: 'ssh' }],
    ['type=cache,"target=/a,b"', { target: '/a,b' }],
    ['target=$X', { target: '<$X>' }],
  ];
  for (const [text, part] of rows) {
    test(text, () => {
      const mount = parseMount(text, (value) => (value.includes('$') ? `<${value}>` : value));
      const found = mount as unknown as Record<string, unknown>;
      assert.deepEqual(Object.fromEntries(Object.keys(part).map((key) => [key, found[key]])), part);
    });
  }

  const errors: [text: string, message: string][] = [
    ['type=volume', 'unsupported mount type "volume"'],
    ['type=cach', 'unsupported mount type "cach" (did you mean cache?)'],
    ['type=cache,sharing=lock,target=/a', 'unsupported sharing value "lock" (did you mean locked?)'],
    ['tarrget=/a', "unexpected key 'tarrget' in 'tarrget=/a' (did you mean target?)"],
    ['target', "invalid field 'target' must be a key=value pair"],
    ['required,target=/a', "unexpected key 'required' for mount type 'bind'"],
    ['target=/a,size=1', "unexpected key 'size' for mount type 'bind'"],
    ['type=tmpfs,size=much', 'invalid value for size: much'],
    ['target=/a,ro=maybe', 'invalid value for ro: maybe'],
    ['type=cache,mode=9', 'invalid value 9 for mode'],
    ['type=cache,uid=-1', 'invalid value -1 for uid'],
    ['target=/a,mode=700', 'mode not allowed for "bind" type mounts'],
    ['type=tmpfs,target=/a,uid=1', 'uid not allowed for "tmpfs" type mounts'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,src=b', "both source and id can't be set"],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=secret,id=a,sharing=locked', 'secret mount should not define sharing'],
    ['type=ssh,sharing=locked', 'invalid cache sharing set for ssh mount'],
    ['type=cache,target=/a,env=X', "unexpected key 'env' for mount type 'cache'"],
  ];
  for (const [text, message] of errors) {
    test(`${text}: ${message}`, () => assert.throws(() => parseMount(text, (value) => value), { message }));
  }
});

describe('a file is sorted into stages', () => {
  test('with the arguments before the first', () => {
    const { globalArgs, stages } = parseStages(parseDockerfile('ARG A=1\nFROM a AS b\nRUN c\nFROM b\nCMD d'));
    assert.deepEqual(
      globalArgs.flatMap(({ args }) => args.map(({ key }) => key)),
      ['A'],
    );
    assert.deepEqual(
      stages.map(({ base, instructions }) => [base, ...instructions.map(({ kind }) => kind)]),
      [
        ['a', 'run'],
        ['b', 'cmd'],
      ],
    );
  });

  const rows: [text: string, message: string, line: number][] = [
    ['RUN a', 'no build stage in current context', 1],
    ['FROM a\nRUN b\nNONSENSE c', 'dockerfile parse error on line 3: unknown instruction: NONSENSE', 3],
    [
      'FROM a\nCOPY --form=x \\\n a b',
      'dockerfile parse error on line 2: unknown flag: --form (did you mean from?)',
      2,
    ],
  ];
  for (const [text, message, line] of rows) {
    test(message, () => {
      assert.throws(
        () => parseStages(parseDockerfile(text)),
        (error: unknown) => {
          assert(error instanceof SourceError);
          assert.deepEqual([error.message, error.ranges[0]?.start.line], [message, line]);
          return true;
        },
      );
    });
  }
});
