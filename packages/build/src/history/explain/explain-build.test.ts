import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BuildRecord, StepOutcome, StepRecord } from '../build-record.ts';
import { describeBuild } from '../describe-build.ts';
import type { FileIndex } from './compare-files.ts';
import { causeDetails, describeCause } from './describe-cause.ts';
import { type ExplainedBuild, explainBuild } from './explain-build.ts';

interface Line {
  readonly text: string;
  readonly outcome?: StepOutcome;
  readonly key?: string;
  readonly facts?: Readonly<Record<string, string>>;
  readonly base?: string;
  readonly reads?: string;
  readonly ignoresCache?: boolean;
  readonly failed?: boolean;
}

const image = (digit: string) => `FROM docker.io/library/busybox:latest@sha256:${digit.repeat(64)}`;

/** A stage whose steps lie one upon the other. */
function build(ref: string, lines: readonly Line[], failed = false): ExplainedBuild {
  const description = { ref, frontend: 'dockerfile.v0', options: {}, exporters: [], context: 'c' };
  const record: BuildRecord = {
    ...describeBuild(description, 1000),
    completedAt: 2000,
    ...(failed && { error: { code: 'internal', message: 'failed' } }),
  };
  const steps = lines.map(
    ({ text, outcome = 'ran', key, facts, base, reads, ignoresCache = false }, at): StepRecord => {
      const parts = key !== undefined && {
        key,
        facts: { command: text, ...facts },
        base: [base ?? 'below'],
        reads: reads === undefined ? [] : [{ input: 'context', path: '/src', digest: reads }],
        ignoresCache,
      };
      const name = `[build ${at + 1}/${lines.length}] ${text}`;
      const inputs = at === 0 ? [] : [`v${at - 1}`];
      return { vertex: `v${at}`, name, inputs, outcome, started: 1000, completed: 1500, ...(parts && { parts }) };
    },
  );
  return { record, steps };
}

const indexes: Readonly<Record<string, FileIndex>> = {
  one: new Map([
    ['src/a', `100644 0 0 ${'a'.repeat(64)}`],
    ['src/b', `100644 0 0 ${'b'.repeat(64)}`],
  ]),
  two: new Map([
    ['src/a', `100644 0 0 ${'c'.repeat(64)}`],
    ['src/b', `100755 0 0 ${'b'.repeat(64)}`],
    ['src/c', `100644 0 0 ${'d'.repeat(64)}`],
  ]),
};

function explained(now: ExplainedBuild, ...earlier: ExplainedBuild[]): string[] {
  const steps = explainBuild(now, earlier, (digest) => indexes[digest]);
  return steps.map(({ causes }) =>
    causes.map((cause) => [describeCause(cause), ...causeDetails(cause)].join('|')).join('; '),
  );
}

const same = 'nothing that it depends on has changed';
const from = { text: image('1') };
const copy = { text: 'COPY src /src', key: 'k1', reads: 'one' };
const make = { text: 'RUN make', key: 'k2' };
const last = build('last', [from, copy, make]);
const below = 'its input [build 2/3] COPY src /src ran again';

const cases: readonly [name: string, now: readonly Line[], expected: readonly string[]][] = [
  ['nothing', [from, { ...copy, outcome: 'cached' }, { ...make, outcome: 'cached' }], [same, same, same]],
  [
    'files',
    [from, { ...copy, key: 'k3', reads: 'two' }, { ...make, key: 'k4', base: 'other' }],
    [same, 'src/a changed and 2 more|src/a changed|src/b has another mode|src/c was added', below],
  ],
  [
    'files that are no longer known by name',
    [from, { ...copy, key: 'k3', reads: 'three' }, { ...make, outcome: 'cached' }],
    [same, 'files changed', same],
  ],
  [
    'a command',
    [from, { ...copy, outcome: 'cached' }, { text: 'RUN make all', key: 'k4' }],
    [same, same, 'the command changed|was: RUN make|now: RUN make all'],
  ],
  [
    'a variable and a setting',
    [from, { ...copy, outcome: 'cached' }, { ...make, key: 'k4', facts: { 'env MODE': 'x', workdir: '/w' } }],
    [same, same, 'the variable MODE was added; its workdir changed|was: not set|now: /w'],
  ],
  [
    'a base image',
    [{ text: image('2') }, { ...copy, key: 'k3', base: 'other' }, { ...make, key: 'k4', base: 'others' }],
    [
      `the base image docker.io/library/busybox:latest changed|was: sha256:${'1'.repeat(64)}|now: sha256:${'2'.repeat(64)}`,
      `the base image docker.io/library/busybox:latest changed|was: sha256:${'1'.repeat(64)}|now: sha256:${'2'.repeat(64)}`,
      below,
    ],
  ],
  [
    'a step between',
    [from, { text: 'RUN new', key: 'k9' }, { ...copy, outcome: 'cached' }, { ...make, key: 'k8', ignoresCache: true }],
    [
      same,
      'the last build had no such step',
      same,
      'it was told to leave the cache alone (--no-cache or --no-cache-filter)',
    ],
  ],
  [
    'the cache',
    [from, { ...copy, outcome: 'cached', key: 'earlier' }, make],
    [
      same,
      'an earlier build has made the same',
      'nothing has changed, but its result is no longer in the cache: it was pruned',
    ],
  ],
];

describe('explain', () => {
  for (const [name, now, expected] of cases) {
    test(`changed: ${name}`, () => assert.deepEqual(explained(build('now', now), last), expected));
  }

  test('a first build has nothing to compare with', () => {
    const said = 'there is no earlier build of this to compare with';
    assert.deepEqual(explained(last), [said, said, said]);
  });

  test('a step that the last build did not reach is compared with the one before it', () => {
    const failed = build('failed', [from, { ...copy, key: 'k3', outcome: 'failed' }], true);
    const now = build('now', [from, { ...copy, outcome: 'cached' }, { ...make, outcome: 'cached' }]);
    const steps = explainBuild(now, [failed, last], () => undefined);
    assert.deepEqual(
      steps.map(({ comparedWith, causes }) => [comparedWith, causes[0]?.kind]),
      [
        ['failed', 'unchanged'],
        ['failed', 'known'],
        ['last', 'unchanged'],
      ],
    );
  });

  test('a step that failed and is tried again has not changed', () => {
    const failed = build('failed', [from, { ...copy, outcome: 'failed' }], true);
    const [, cause] = explained(build('now', [from, copy]), failed);
    assert.equal(cause, 'nothing has changed, but the last build did not finish it');
  });
});
