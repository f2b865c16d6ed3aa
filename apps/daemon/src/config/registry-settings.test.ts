import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInsecureRegistry, parseMirror, parsePrefixMirror } from './registry-settings.ts';

const rows: [parse: (value: string) => string, value: string, result: string | RegExp][] = [
  [parseMirror, 'https://a', 'https://a/'],
  [parseMirror, 'http://a:5000/', 'http://a:5000/'],
  [parseMirror, 'https://a/cache//', 'https://a/cache/'],
  [parseMirror, 'a:5000', /^invalid mirror: no scheme specified for "a:5000": must use either/],
  [parseMirror, '', /no scheme specified for ""/],
  [parseMirror, 'ftp://a', /^invalid mirror: unsupported scheme "ftp" in "ftp:\/\/a"/],
  [parseMirror, 'http://', /^invalid mirror: "http:\/\/" is not a valid URI$/],
  [parseMirror, 'http://u:secret@a/', /^invalid mirror: username\/password not allowed in URI of a$/],
  [parseMirror, 'http://a/?b', /^invalid mirror: query or fragment at end of the URI "http:\/\/a\/\?b"$/],
  [parsePrefixMirror, 'a/cache', 'https://a/cache/'],
  [parsePrefixMirror, 'http://a', 'http://a/'],
  [parsePrefixMirror, 'ftp://a', /unsupported scheme/],
  [parseInsecureRegistry, 'a', 'a'],
  [parseInsecureRegistry, 'a:5000', 'a:5000'],
  [parseInsecureRegistry, 'http://a:5000', 'a:5000'],
  [parseInsecureRegistry, '[::1]:5000', '[::1]:5000'],
  [parseInsecureRegistry, '10.0.0.0/8', '10.0.0.0/8'],
  [parseInsecureRegistry, 'fd00::/8', 'fd00::/8'],
  [parseInsecureRegistry, '10.0.0.0/99', /neither host\[:port\] nor a CIDR$/],
  [parseInsecureRegistry, 'a/b', /neither host\[:port\] nor a CIDR$/],
  [parseInsecureRegistry, 'ftp://a', /should not contain ':\/\/'$/],
  [parseInsecureRegistry, '-a', /invalid host "-a"$/],
  [parseInsecureRegistry, 'a:port', /invalid host "a:port"$/],
];
for (const [parse, value, result] of rows) {
  test(`${parse.name} of ${JSON.stringify(value)}`, () => {
    if (typeof result === 'string') assert.equal(parse(value), result);
    else assert.throws(() => parse(value), { code: 'invalid_argument', message: result });
  });
}
