import type { BuildCase } from '../build-case.ts';

const tree = { a: 'A', 'b.t': 'B', 'd/a': 'DA', 'd/b.t': 'DB', 'd/e/a': 'DEA', 'd/e/c.t': 'C', '.h': 'H' };

function ignored(rule: string, patterns: string, more: Partial<BuildCase> = {}): BuildCase {
  return { rule, dockerfile: 'COPY . /', files: { ...tree, '.dockerignore': patterns }, needsBuildx: true, ...more };
}

/** .dockerignore: what a client does not send. */
export const ignoring: readonly BuildCase[] = [
  ignored('an ignored file', 'a\n'),
  ignored('an ignored directory', 'd\n'),
  ignored('an ignored directory with a slash', 'd/\n'),
  ignored('an ignored path with a slash in front', '/d/a\n'),
  ignored('an ignored path with ./ in front', './d/a\n'),
  ignored('an ignored path with .. in it', 'd/../a\n'),
  ignored('a pattern is of the top only', '*.t\n'),
  ignored('a pattern of one level', '*/a\n'),
  ignored('a pattern of every level', '**/*.t\n'),
  ignored('two stars in the midst', 'd/**/c.t\n'),
  ignored('two stars at the end', 'd/**\n'),
  ignored('a question mark', '?\n'),
  ignored('a class of letters', '[ab]\n'),
  ignored('an exception', '*.t\n!b.t\n'),
  ignored('an exception below an ignored directory', 'd\n!d/e\n'),
  ignored('an exception of one file below', 'd\n!d/e/a\n'),
  ignored('everything but', '*\n!a\n!d/e\n'),
  ignored('the last that fits counts', 'a\n!a\na\n'),
  ignored('comments and empty lines', '# a\n\n   \nb.t\n'),
  ignored('spaces around a pattern', '   a   \n'),
  ignored('a comment is at the beginning of a line', 'a # b\n'),
  ignored('CRLF line ends of patterns', 'a\r\nd\r\n'),
  ignored('a byte order mark before patterns', '\uFEFFa\n'),
  ignored('a dot', '.\n'),
  ignored('the Dockerfile and the patterns themselves', 'Dockerfile\n.dockerignore\n'),
  ignored('hidden files', '.*\n'),
  ignored('an escaped letter', '\\a\n'),
  ignored('a space before an exclamation mark is cut off', ' !a\n'),
  ignored('patterns for this Dockerfile', 'a\n', {
    files: { ...tree, '.dockerignore': 'a\n', 'Other.dockerignore': 'd\n' },
    options: { dockerfile: 'Other' },
  }),
  ignored('an ignored file is not there for COPY', 'a\n', { dockerfile: 'COPY a /x', fails: /"\/?a".*not found/s }),
  ignored('an ignored file is not there for RUN --mount', 'a\n', { dockerfile: 'RUN --mount=target=/c ls -A /c > /o' }),
  ignored('a broken pattern', '[a\n', { fails: /syntax error in pattern|illegal exclusion|\[a/ }),
];
