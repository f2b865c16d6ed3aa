import { describe, expect, test } from 'bun:test';
import { planRetention, type RepositoryState, type RetentionRule } from './plan-retention.ts';

const now = 1_000_000;
const digest = (name: string) => `sha256:${name}` as const;

/** Tags t1 (oldest) to t4, each of an image of its own; an index of two images; what refers to t1; what nobody has. */
const state: RepositoryState = {
  tags: new Map([
    ['t1', { digest: digest('a'), pushed: now - 400 }],
    ['t2', { digest: digest('b'), pushed: now - 300 }],
    ['t3', { digest: digest('index'), pushed: now - 200 }],
    ['t4', { digest: digest('b'), pushed: now - 100 }],
  ]),
  manifests: [
    { digest: digest('a'), modified: now - 400, children: [], subject: undefined },
    { digest: digest('b'), modified: now - 300, children: [], subject: undefined },
    { digest: digest('index'), modified: now - 200, children: [digest('c'), digest('d')], subject: undefined },
    { digest: digest('c'), modified: now - 200, children: [], subject: undefined },
    { digest: digest('d'), modified: now - 200, children: [], subject: undefined },
    { digest: digest('signature-of-a'), modified: now - 390, children: [], subject: digest('a') },
    { digest: digest('signature-of-c'), modified: now - 190, children: [], subject: digest('c') },
    { digest: digest('untagged'), modified: now - 250, children: [], subject: undefined },
  ],
};

describe('what a rule removes', () => {
  const rows: [title: string, rule: Omit<RetentionRule, 'repositories'>, tags: string[], manifests: string[]][] = [
    ['a rule without a reason to keep removes no tag', {}, [], []],
    ['the newest two stay', { keepLast: 2 }, ['t1', 't2'], []],
    ['keepLast 0 keeps none', { keepLast: 0 }, ['t1', 't2', 't3', 't4'], []],
    ['tags that match stay, and are not counted', { keepLast: 1, keepTags: ['^t4$'] }, ['t1', 't2'], []],
    ['younger ones stay', { keepYounger: 250 }, ['t1', 't2'], []],
    ['each reason is enough', { keepLast: 1, keepYounger: 250 }, ['t1', 't2'], []],
    ['an index keeps its images, a subject its referrers', { removeUntagged: 0 }, [], ['untagged']],
    ['what is younger than removeUntagged stays', { removeUntagged: 260 }, [], []],
    [
      'with its tag a manifest and its referrers go',
      { keepLast: 2, removeUntagged: 0 },
      ['t1', 't2'],
      ['a', 'signature-of-a', 'untagged'],
    ],
    [
      'an index takes its images along',
      { keepTags: ['t[14]'], removeUntagged: 0 },
      ['t2', 't3'],
      ['c', 'd', 'index', 'signature-of-c', 'untagged'],
    ],
  ];
  for (const [title, rule, tags, manifests] of rows) {
    test(title, () => {
      const plan = planRetention(state, { repositories: '**', ...rule }, now);
      expect([...plan.tags].sort()).toEqual(tags);
      expect([...plan.manifests].sort()).toEqual(manifests.map(digest));
    });
  }
});
