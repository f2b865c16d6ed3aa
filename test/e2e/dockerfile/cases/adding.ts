import type { BuildCase, ContextFile } from '../build-case.ts';

const members = [
  { name: 'd/', type: 'directory', mode: 0o750, uid: 3, gid: 4, time: 1_300_000_000 },
  { name: 'd/f', content: 'F', mode: 0o640, uid: 5, gid: 6, time: 1_400_000_000 },
  { name: 'd/l', type: 'symlink', target: 'f', time: 1_400_000_000 },
] as const;

function archived(packed?: 'gzip' | 'bzip2' | 'xz' | 'zstd'): ContextFile {
  return { tar: members, ...(packed && { packed }) };
}

const odd = (...entries: Extract<ContextFile, { tar?: unknown }>['tar'] & object): ContextFile => ({ tar: entries });

/** ADD of files and archives. What it downloads is in build-sources.test.ts. */
export const adding: readonly BuildCase[] = [
  { rule: 'ADD of a file', dockerfile: 'ADD a /x/', files: { a: 'A' } },
  { rule: 'ADD of a directory', dockerfile: 'ADD d /x', files: { 'd/a': 'A', 'd/b/c': 'C' } },
  { rule: 'ADD of a tar unpacks it', dockerfile: 'ADD a.tar /x/', files: { 'a.tar': archived() } },
  { rule: 'ADD of a tar to a name makes a directory', dockerfile: 'ADD a.tar /x', files: { 'a.tar': archived() } },
  { rule: 'ADD of a tar.gz', dockerfile: 'ADD a.tgz /x/', files: { 'a.tgz': archived('gzip') } },
  { rule: 'ADD of a tar.bz2', dockerfile: 'ADD a.tbz /x/', files: { 'a.tbz': archived('bzip2') } },
  { rule: 'ADD of a tar.xz', dockerfile: 'ADD a.txz /x/', files: { 'a.txz': archived('xz') } },
  {
    rule: 'ADD of a tar looks at what it is, not at its name',
    dockerfile: 'ADD a /x/',
    files: { a: archived('gzip') },
  },
  {
    rule: 'ADD of a file that only has the name of a tar',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': 'no archive' },
  },
  { rule: 'ADD of a tar in a directory does not unpack', dockerfile: 'ADD d /x', files: { 'd/a.tar': archived() } },
  {
    rule: 'ADD of tars by a pattern',
    dockerfile: 'ADD *.tar /x/',
    files: { 'a.tar': odd({ name: 'a', content: 'A' }), 'b.tar': odd({ name: 'b', content: 'B' }) },
  },
  {
    rule: 'ADD of a tar and a file',
    dockerfile: 'ADD a.tar f /x/',
    files: { 'a.tar': odd({ name: 'a', content: 'A' }), f: 'F' },
  },
  { rule: 'ADD of a tar with --chown', dockerfile: 'ADD --chown=8:9 a.tar /x/', files: { 'a.tar': archived() } },
  { rule: 'ADD of a file with --chown', dockerfile: 'ADD --chown=8:9 a /x/', files: { a: 'A' } },
  { rule: 'ADD of a file with --chmod', dockerfile: 'ADD --chmod=700 a /x', files: { a: 'A' } },
  {
    rule: 'ADD of a tar over what is there',
    dockerfile: 'COPY d /x/d\nADD a.tar /x/',
    files: { 'd/f': 'old', 'd/g': 'stays', 'a.tar': archived() },
  },
  {
    rule: 'ADD of a tar with hard links',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: 'f', content: 'F' }, { name: 'g', type: 'link', target: 'f' }) },
  },
  {
    rule: 'ADD of a tar with a fifo and a device',
    dockerfile: 'ADD a.tar /x/',
    files: {
      'a.tar': odd(
        { name: 'p', type: 'fifo', mode: 0o600 },
        { name: 'n', type: 'character', device: [1, 3], mode: 0o666 },
      ),
    },
  },
  {
    rule: 'ADD of a tar with setuid files',
    dockerfile: 'ADD a.tar /x/',
    files: {
      'a.tar': odd(
        { name: 's', content: 'S', mode: 0o4755, uid: 1 },
        { name: 'g', content: 'G', mode: 0o2755, gid: 2 },
      ),
    },
  },
  {
    rule: 'ADD of a tar with attributes',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: 'f', content: 'F', xattrs: { 'user.colour': 'red' } }) },
    isNewer: true,
  },
  {
    rule: 'ADD of a tar with capabilities',
    dockerfile: 'ADD a.tar /x/',
    files: {
      'a.tar': odd({
        name: 'f',
        content: 'F',
        mode: 0o755,
        xattrs: {
          'security.capability':
            '\u0001\u0000\u0000\u0002\u0000\u0004\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000',
        },
      }),
    },
  },
  {
    rule: 'COPY --from keeps attributes',
    dockerfile: 'FROM scratch AS s\nADD a.tar /x/\nFROM scratch\nCOPY --from=s /x /y',
    files: { 'a.tar': odd({ name: 'f', content: 'F', xattrs: { 'user.colour': 'red' } }) },
    isNewer: true,
  },
  {
    rule: 'ADD of a tar with a name twice has the last',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: 'f', content: '1' }, { name: 'f', content: '2' }) },
  },
  {
    rule: 'ADD of a tar without its directories',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: 'p/q/f', content: 'F' }) },
  },
  {
    rule: 'ADD of a tar with ./ in front',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: './', type: 'directory', mode: 0o700, uid: 3 }, { name: './f', content: 'F' }) },
  },
  {
    rule: 'ADD of a tar with an absolute name stays below',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: '/f', content: 'F' }) },
  },
  {
    rule: 'ADD of a tar with a link that leads out keeps the link',
    dockerfile: 'ADD a.tar /x/',
    files: { 'a.tar': odd({ name: 'l', type: 'symlink', target: '/etc/passwd' }) },
  },
  {
    rule: 'ADD of a tar with a whiteout by name',
    dockerfile: 'COPY d /x\nADD a.tar /x/',
    files: { 'd/f': 'F', 'a.tar': odd({ name: '.wh.f', content: '' }) },
  },
  { rule: 'ADD of an empty tar', dockerfile: 'ADD a.tar /x/', files: { 'a.tar': odd() } },
  {
    rule: 'ADD of a packed file that is no tar',
    dockerfile: 'ADD a.gz /x/',
    files: { 'a.gz': { content: 'plain gz' } },
  },
  { rule: 'ADD of a document', dockerfile: 'ADD <<T /t\nhello\nT' },
  { rule: 'ADD of names in JSON', dockerfile: 'ADD ["a b", "/x y/"]', files: { 'a b': 'AB' } },
  { rule: 'ADD of a link takes what it leads to', dockerfile: 'ADD l /x', files: { a: 'A', l: { link: 'a' } } },
  {
    rule: 'ADD of a link to a tar unpacks it',
    dockerfile: 'ADD l /x/',
    files: { 'a.tar': odd({ name: 'f', content: 'F' }), l: { link: 'a.tar' } },
  },
  { rule: 'ADD --link of a tar', dockerfile: 'ADD --link a.tar /x/', files: { 'a.tar': archived() } },
  { rule: 'ADD to the root', dockerfile: 'ADD a.tar /', files: { 'a.tar': archived() } },
  {
    rule: 'ADD through a link of the image',
    dockerfile: 'RUN mkdir /t && ln -s /t /l\nADD a.tar /l/',
    files: { 'a.tar': odd({ name: 'f', content: 'F' }) },
  },
  {
    rule: 'ADD --unpack=false of a tar',
    dockerfile: 'ADD --unpack=false a.tar /x/',
    files: { 'a.tar': odd({ name: 'f', content: 'F' }) },
    isNewer: true,
  },
  { rule: 'ADD --exclude', dockerfile: 'ADD --exclude=*.o d /x', files: { 'd/a.o': '', 'd/b': 'B' }, isNewer: true },
];
