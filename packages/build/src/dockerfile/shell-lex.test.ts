import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { expand, expandWord, expandWords, type ShellLexOptions } from './shell-lex.ts';

const variables = new Map([
  ['HOME', '/root'],
  ['EMPTY', ''],
  ['LIST', 'a b  c'],
  ['PATHS', '/usr/local/lib/x.tar.gz'],
  ['STAR', 'a*b'],
  ['DOLLAR', '$HOME'],
  ['ünı', 'letters'],
  ['V1', 'one'],
]);

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the language's own braces
describe('a word is expanded', () => {
  const rows: [input: string, output: string][] = [
    ['plain', 'plain'],
    ['', ''],
    ['$HOME', '/root'],
    ['${HOME}', '/root'],
    ['x${HOME}y', 'x/rooty'],
    ['$HOMEy', ''],
    ['$HOME.y', '/root.y'],
    ['$UNSET', ''],
    ['a$UNSET.b', 'a.b'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$.x', '$.x'],
    ['$V1', 'one'],
    ['$1', ''],
    ['$12x', 'x'],
    ['${ünı}', 'letters'],
    ['\\$HOME', '$HOME'],
    ['\\\\$HOME', '\\/root'],
    ['\\a', 'a'],
    ['a\\', 'a'],
    ["'$HOME'", '$HOME'],
    ["'a\\b'", 'a\\b'],
    ['"$HOME"', '/root'],
    ['"a\\$HOME"', 'a$HOME'],
    ['"a\\"b"', 'a"b'],
    ['"a\\nb"', 'a\\nb'],
    ['"a\\\\b"', 'a\\b'],
    ['a"b c"d', 'ab cd'],
    ["a'b c'd", 'ab cd'],
    ['"it\'s"', "it's"],
    ['$DOLLAR', '$HOME'],
    ['${HOME:-x}', '/root'],
    ['${HOME-x}', '/root'],
    ['${UNSET:-x}', 'x'],
    ['${UNSET-x}', 'x'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${UNSET:-$HOME/y}', '/root/y'],
    ['${UNSET:-${EMPTY:-z}}', 'z'],
    ['${UNSET:-"a b"}', 'a b'],
    ['${UNSET:-}', ''],
    ['${HOME:+x}', 'x'],
    ['${HOME+x}', 'x'],
    ['${EMPTY:+x}', ''],
    ['${EMPTY+x}', 'x'],
    ['${UNSET:+x}', ''],
    ['${HOME:?needed}', '/root'],
    ['${PATHS#/usr}', '/local/lib/x.tar.gz'],
    ['${PATHS#*/}', 'usr/local/lib/x.tar.gz'],
    ['${PATHS##*/}', 'x.tar.gz'],
    ['${PATHS%.*}', '/usr/local/lib/x.tar'],
    ['${PATHS%%.*}', '/usr/local/lib/x'],
    ['${PATHS%/*}', '/usr/local/lib'],
    ['${PATHS#nothing}', '/usr/local/lib/x.tar.gz'],
    ['${PATHS%?z}', '/usr/local/lib/x.tar.'],
    ['${STAR#a\\*}', 'b'],
    ['${STAR%\\*b}', 'a'],
    ['${PATHS/l/L}', '/usr/Local/lib/x.tar.gz'],
    ['${PATHS//l/L}', '/usr/LocaL/Lib/x.tar.gz'],
    ['${PATHS//l/}', '/usr/oca/ib/x.tar.gz'],
    ['${PATHS/\\//-}', '-usr/local/lib/x.tar.gz'],
    ['${PATHS//\\//-}', '-usr-local-lib-x.tar.gz'],
    ['${PATHS/u*l/X}', '/Xib/x.tar.gz'],
    ['${UNSET/a/b}', ''],
  ];
  for (const [input, output] of rows) {
    test(`${input} is ${output}`, () => assert.equal(expandWord(input, variables), output));
  }
});

describe('what is wrong with a word is said', () => {
  const rows: [input: string, message: string][] = [
    ['${', "syntax error: missing '}'"],
    ['${HOME', "syntax error: missing '}'"],
    ['${HOME:-x', "syntax error: missing '}'"],
    ['${}', 'syntax error: bad substitution'],
    ['${:x}', 'syntax error: bad substitution'],
    ['${{HOME}}', 'syntax error: bad substitution'],
    ['${HOME:x}', 'unsupported modifier (:x) in substitution'],
    ['${HOME!x}', 'unsupported modifier (!) in substitution'],
    ['${PATHS/x', "syntax error: missing '/' in ${}"],
    ['${PATHS/x/y', "syntax error: missing '}'"],
    ['${UNSET:?is needed}', 'UNSET: is needed'],
    ['${UNSET?}', 'UNSET: is not allowed to be unset'],
    ['${EMPTY:?}', 'EMPTY: is not allowed to be empty'],
    ["'open", 'unexpected end of statement while looking for matching single-quote'],
    ['"open', 'unexpected end of statement while looking for matching double-quote'],
  ];
  for (const [input, message] of rows) {
    test(`${input}: ${message}`, () => assert.throws(() => expandWord(input, variables), { message }));
  }
});

describe('words are split where blanks are not quoted', () => {
  const rows: [input: string, words: string[]][] = [
    ['a b', ['a', 'b']],
    ['  a   b  ', ['a', 'b']],
    ['"a b" c', ['a b', 'c']],
    ['a\\ b c', ['a b', 'c']],
    ['$LIST', ['a', 'b', 'c']],
    ['"$LIST"', ['a b  c']],
    ['x$LIST', ['xa', 'b', 'c']],
    ['""', ['']],
    ['$EMPTY', []],
    ['', []],
  ];
  for (const [input, words] of rows) {
    test(`${input} is ${JSON.stringify(words)}`, () => assert.deepEqual(expandWords(input, variables), words));
  }
});

describe('options', () => {
  const rows: [input: string, options: ShellLexOptions, output: string][] = [
    ['"a" \'b\'', { rawQuotes: true }, '"a" \'b\''],
    ['a\\b', { rawEscapes: true }, 'a\\b'],
    ['"a\\"b"', { rawQuotes: true, rawEscapes: true }, '"a\\"b"'],
    ["it's $HOME", { plainQuotes: true }, "it's /root"],
    ['$UNSET ${UNSET}', { keepUnset: true }, '$UNSET ${UNSET}'],
    ['${UNSET:-x} ${UNSET+y} $HOME', { keepUnset: true }, '${UNSET:-x} ${UNSET+y} /root'],
    ['${UNSET#a} ${UNSET/a/b}', { keepUnset: true }, '${UNSET#a} ${UNSET/a/b}'],
    ['`$HOME \\x', { escape: '`' }, '$HOME \\x'],
  ];
  for (const [input, options, output] of rows) {
    test(`${input} with ${JSON.stringify(options)}`, () => assert.equal(expandWord(input, variables, options), output));
  }
});

test('the names that were found and not found are told', () => {
  const { matched, unmatched } = expand('$HOME ${UNSET} ${OTHER:-x} ${EMPTY:+y}', variables);
  assert.deepEqual([[...matched], [...unmatched]], [['HOME', 'EMPTY'], ['UNSET']]);
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: the language's own braces

describe('a hostile word', () => {
  const rows: [text: string, words: RegExp | undefined][] = [
    [`\${A##${'*a'.repeat(40)}*b}`, undefined],
    [`\${A//${'a*'.repeat(40)}b/x}`, undefined],
    ['$B'.repeat(3000), /too long: B/],
    [`\${A//a/$B}`, /too long/],
    ['${X:-'.repeat(5000), /nested too deep/],
  ];
  for (const [text, words] of rows) {
    test(text.slice(0, 20), () => {
      const variables = new Map([
        ['A', 'a'.repeat(2000)],
        ['B', 'b'.repeat(1000)],
      ]);
      if (words) assert.throws(() => expandWord(text, variables), words);
      else assert.equal(expandWord(text, variables), 'a'.repeat(2000));
    });
  }
});
