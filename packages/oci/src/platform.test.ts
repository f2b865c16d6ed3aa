import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatPlatform, hostPlatform, matchesPlatform, normalizePlatform } from './platform.ts';

function platform(text: string) {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, ...(variant && { variant }) };
}

describe('platforms', () => {
  for (const [text, expected] of [
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/i386', 'linux/386'],
    ['macos/arm64', 'darwin/arm64'],
  ] as const) {
    test(`${text} is ${expected}`, () => assert.equal(formatPlatform(normalizePlatform(platform(text))), expected));
  }

  for (const [wanted, offered, expected] of [
    ['linux/amd64', 'linux/amd64', true],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/amd64', 'linux/amd64/v3', true],
    ['linux/amd64/v3', 'linux/amd64', false],
    ['linux/amd64', 'windows/amd64', false],
  ] as const) {
    test(`${wanted} ${expected ? 'takes' : 'refuses'} ${offered}`, () =>
      assert.equal(matchesPlatform(platform(wanted), platform(offered)), expected));
  }

  test('the host is one of them', () => assert.deepEqual(hostPlatform('x64'), { os: 'linux', architecture: 'amd64' }));
});
