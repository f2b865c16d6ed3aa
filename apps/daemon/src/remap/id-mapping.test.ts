import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AccountFiles } from './account-files.ts';
import { readIdMapping } from './id-mapping.ts';

const directory = mkdtempSync(join(tmpdir(), 'accounts-'));
after(() => rmSync(directory, { recursive: true }));
const files = {
  passwd:
    'root:x:0:0::/root:/bin/sh\ndockremap:x:998:997::/:/bin/false\none:x:1001:1001::/:/bin/sh\nlone:x:7:7::/:/bin/sh\n',
  group: 'root:x:0:\ndockremap:x:997:\none:x:1001:\nteam:x:55:\n',
  subuid: '# a comment\ndockremap:100000:65536\none:200000:1000\n1001:300000:65536\nlone:5:0\n',
  subgid: 'dockremap:110000:65536\nteam:400000:65536\none:200000:65536\n',
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
const accounts = new AccountFiles(directory);

const mapping = (uids: number[][], gids: number[][]) => {
  const ranges = (list: number[][]) => list.map(([inside, outside, size]) => ({ inside, outside, size }));
  return { uids: ranges(uids), gids: ranges(gids) };
};
const several = [
  [0, 200_000, 1000],
  [1000, 300_000, 65_536],
];

const found: readonly (readonly [setting: string, expected: ReturnType<typeof mapping> | undefined])[] = [
  ['default', mapping([[0, 100_000, 65_536]], [[0, 110_000, 65_536]])],
  ['dockremap', mapping([[0, 100_000, 65_536]], [[0, 110_000, 65_536]])],
  ['998:997', mapping([[0, 100_000, 65_536]], [[0, 110_000, 65_536]])],
  ['one', mapping(several, [[0, 200_000, 65_536]])],
  ['1001', mapping(several, [[0, 200_000, 65_536]])],
  ['one:team', mapping(several, [[0, 200_000, 65_536]])],
  ['root', undefined],
];
for (const [setting, expected] of found) {
  test(`userns-remap: ${setting}`, () => assert.deepEqual(readIdMapping(setting, accounts), expected));
}

const refused: readonly (readonly [setting: string, message: string])[] = [
  ['a:b:c', 'invalid user/group specification in --userns-remap: "a:b:c"'],
  ['nobody', 'error during uid lookup for "nobody": no matching entries in passwd file'],
  ['12', 'uid 12 has no entry in /etc/passwd: no matching entries in passwd file'],
  ['one:none', 'error during gid lookup for "none": no matching entries in group file'],
  ['one:12', 'gid 12 has no entry in /etc/group: no matching entries in group file'],
  ['998', 'gid 998 has no entry in /etc/group: no matching entries in group file'],
  ['lone:team', 'Can\'t create ID mappings: no subuid ranges found for user "lone"'],
];
for (const [setting, message] of refused) {
  test(`userns-remap: ${setting} is refused`, () => {
    assert.throws(() => readIdMapping(setting, accounts), { message, code: 'invalid_argument' });
  });
}

test('ranges that are free begin behind all others', () => {
  assert.equal(accounts.free('subuid'), 365_536);
  assert.equal(new AccountFiles('/nowhere').free('subuid'), 100_000);
});
