import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from './address.ts';

describe('addresses of daemons', () => {
  const rows: [text: string, expected: object | RegExp][] = [
    ['unix:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['unix://', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['tcp://far', { kind: 'tcp', hostname: 'far', port: 2375, text: 'tcp://far:2375' }],
    ['tcp://far:99', { kind: 'tcp', hostname: 'far', port: 99 }],
    ['tcp://[::1]:99', { kind: 'tcp', hostname: '::1', port: 99, text: 'tcp://[::1]:99' }],
    [':99', { kind: 'tcp', hostname: '127.0.0.1', port: 99 }],
    ['far:99', { kind: 'tcp', hostname: 'far', port: 99 }],
    ['http://far:99/', { kind: 'tcp', hostname: 'far', port: 99 }],
    ['tcp://far:99999', /invalid port: 99999/],
    ['tcp://far:x', /invalid bind address format/],
    ['gopher://x', /unsupported proto 'gopher'/],
    ['ssh://me@far', /ssh:\/\/ addresses are not supported by wharf yet/],
  ];
  for (const [text, expected] of rows) {
    test(text, () => {
      if (expected instanceof RegExp) assert.throws(() => parseAddress(text), expected);
      else assert.deepEqual({ ...parseAddress(text), ...expected }, parseAddress(text));
    });
  }
  test('TLS has a port of its own', () => {
    assert.equal(parseAddress('tcp://far', 2376).text, 'tcp://far:2376');
  });
});
