import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseChallenges } from './challenge.ts';

describe('authentication challenges', () => {
  const rows: [header: string | null, expected: [string, Record<string, string>][]][] = [
    [null, []],
    ['', []],
    ['Basic realm="r"', [['basic', { realm: 'r' }]]],
    ['Basic', [['basic', {}]]],
    [
      'Bearer realm="https://auth/token",service="s",scope="repository:a/b:pull,push"',
      [['bearer', { realm: 'https://auth/token', service: 's', scope: 'repository:a/b:pull,push' }]],
    ],
    ['bearer Realm = "x" , error=insufficient_scope', [['bearer', { realm: 'x', error: 'insufficient_scope' }]]],
    ['Bearer realm="a \\"b\\""', [['bearer', { realm: 'a "b"' }]]],
    [
      'Negotiate, Basic realm="r", Bearer realm="b",service=s',
      [
        ['basic', { realm: 'r' }],
        ['bearer', { realm: 'b', service: 's' }],
      ],
    ],
    ['Digest realm="d", nonce="n", Basic realm="r"', [['basic', { realm: 'r' }]]],
    ['Bearer realm="open', [['bearer', {}]]],
    ['"', []],
  ];
  for (const [header, expected] of rows) {
    test(String(header), () => {
      const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
      assert.deepEqual(found, expected);
    });
  }
});
