import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SourceError } from '../source-error.ts';
import { findDirective } from './directives.ts';
import { parseDockerfile } from './parser.ts';

/** Each instruction as `keyword [flags] args`, with `json` where they were. */
function shape(text: string): string[] {
  return parseDockerfile(text).nodes.map(({ keyword, flags, args, json }) =>
    [keyword, ...flags.map((flag) => `(${flag})`), json ? 'json' : '', JSON.stringify(args)].filter(Boolean).join(' '),
  );
}

describe('an instruction is read', () => {
  const rows: [text: string, ...nodes: string[]][] = [
    ['FROM a', 'FROM ["a"]'],
    ['  from a  ', 'from ["a"]'],
    ['FROM a AS b', 'FROM ["a","AS","b"]'],
    ['FROM\ta\t as  b', 'FROM ["a","as","b"]'],
    ['FROM --platform=linux/arm64 a', 'FROM (--platform=linux/arm64) ["a"]'],
    ['RUN echo  a', 'RUN ["echo  a"]'],
    ['RUN ["a", "b c"]', 'RUN json ["a","b c"]'],
    ['RUN [ "a" ] trailing', 'RUN json ["a"]'],
    ['RUN [ -f x ] && y', 'RUN ["[ -f x ] && y"]'],
    ["RUN ['a']", 'RUN ["[\'a\']"]'],
    ['RUN ["a]", "b"]', 'RUN json ["a]","b"]'],
    ['RUN []', 'RUN json []'],
    ['RUN', 'RUN []'],
    [
      'RUN --mount=type=cache,target=/x --network=none echo',
      'RUN (--mount=type=cache,target=/x) (--network=none) ["echo"]',
    ],
    ['RUN --mount="type=bind,target=/a b" x', 'RUN (--mount=type=bind,target=/a b) ["x"]'],
    ['RUN --mount=a\\ b x', 'RUN (--mount=a b) ["x"]'],
    ['RUN -- --x', 'RUN ["--x"]'],
    ['CMD echo --x', 'CMD ["echo --x"]'],
    ['COPY a b /c', 'COPY ["a","b","/c"]'],
    ['COPY ["a b", "/c"]', 'COPY json ["a b","/c"]'],
    ['COPY --from=0 --chown=1:2 a b', 'COPY (--from=0) (--chown=1:2) ["a","b"]'],
    ['ENV A=1 B="2 3" C=\\ 4', 'ENV ["A","1","B","\\"2 3\\"","C","\\\\ 4"]'],
    ['ENV A one two', 'ENV ["A","one two"]'],
    ['ENV A=', 'ENV ["A",""]'],
    ['ENV A=b=c', 'ENV ["A","b=c"]'],
    ["ENV A='x y' B", 'error Syntax error - can\'t find = in "B". Must be of the form: name=value'],
    ['ENV A', 'error ENV must have two arguments'],
    ['LABEL a', 'error LABEL must have two arguments'],
    ['LABEL "a b"="c d"', 'LABEL ["\\"a b\\"","\\"c d\\""]'],
    ['ARG A B=2', 'ARG ["A","B=2"]'],
    ['EXPOSE 80 443/tcp', 'EXPOSE ["80","443/tcp"]'],
    ['VOLUME /a /b', 'VOLUME ["/a","/b"]'],
    ['VOLUME ["/a b"]', 'VOLUME json ["/a b"]'],
    ['WORKDIR /a b', 'WORKDIR ["/a b"]'],
    ['USER  a:b ', 'USER ["a:b"]'],
    ['STOPSIGNAL SIGTERM', 'STOPSIGNAL ["SIGTERM"]'],
    ['MAINTAINER A <a@b>', 'MAINTAINER ["A <a@b>"]'],
    ['SHELL ["a"]', 'SHELL json ["a"]'],
    ['HEALTHCHECK NONE', 'HEALTHCHECK ["NONE"]'],
    ['HEALTHCHECK --interval=5s CMD curl x', 'HEALTHCHECK (--interval=5s) ["CMD","curl x"]'],
    ['HEALTHCHECK CMD ["curl", "x"]', 'HEALTHCHECK json ["CMD","curl","x"]'],
    ['ONBUILD RUN a b', 'ONBUILD ["RUN a b"]'],
    ['NONSENSE a', 'NONSENSE []'],
    ['CMD [1]', 'error when using JSON array syntax, arrays must be comprised of strings only'],
    ['', 'error file with no instructions'],
    ['# only a comment', 'error file with no instructions'],
  ];
  for (const [text, ...nodes] of rows) {
    test(text || '(nothing)', () => {
      if (nodes[0]?.startsWith('error ')) assert.throws(() => parseDockerfile(text), { message: nodes[0].slice(6) });
      else assert.deepEqual(shape(text), nodes);
    });
  }
});

describe('lines are joined', () => {
  const rows: [title: string, text: string, ...nodes: string[]][] = [
    ['a backslash continues', 'RUN a \\\n  b', 'RUN ["a   b"]'],
    ['also with blanks after it', 'RUN a \\  \n b', 'RUN ["a  b"]'],
    ['also with \\r\\n', 'RUN a \\\r\nb\r\n', 'RUN ["a b"]'],
    ['an escaped one does not', 'RUN a \\\\\nRUN b', 'RUN ["a \\\\\\\\"]', 'RUN ["b"]'],
    ['comments between vanish', 'RUN a \\\n# c\n  # d\n b', 'RUN ["a  b"]'],
    ['empty lines between vanish', 'RUN a \\\n\n b', 'RUN ["a  b"]'],
    ['at the end of the file nothing follows', 'RUN a \\', 'RUN ["a"]'],
    ['a # within a line is no comment', 'RUN a # b', 'RUN ["a # b"]'],
    [
      'a backtick where the directive says so',
      '# escape=`\nRUN a `\nb\nRUN c \\\nRUN d',
      'RUN ["a b"]',
      'RUN ["c \\\\"]',
      'RUN ["d"]',
    ],
    ['a byte order mark is no text', '\uFEFFRUN a', 'RUN ["a"]'],
    ['a line of a backslash alone', 'RUN a\\\n\\\nb', 'RUN ["ab"]'],
  ];
  for (const [title, text, ...nodes] of rows) test(title, () => assert.deepEqual(shape(text), nodes));

  test('and know their places', () => {
    const { nodes, emptyContinuations } = parseDockerfile('FROM a\n\nRUN a \\\n\n  b\nCMD c');
    const lines = nodes.map(({ ranges }) => [ranges[0]!.start.line, ranges[0]!.end.line]);
    assert.deepEqual(lines, [
      [1, 1],
      [3, 5],
      [6, 6],
    ]);
    assert.deepEqual(
      emptyContinuations.map((ranges) => ranges[0]!.start.line),
      [5],
    );
  });
});

describe('heredocs', () => {
  const heredocs = (text: string) =>
    parseDockerfile(text).nodes.flatMap((node) =>
      node.heredocs.map(({ name, expand, chomp, content }) => `${name} ${expand} ${chomp} ${JSON.stringify(content)}`),
    );
  const rows: [title: string, text: string, ...documents: string[]][] = [
    ['RUN', 'RUN <<EOF\na\n  b\nEOF\nRUN c', 'EOF true false "a\\n  b\\n"'],
    ['quoted: nothing is expanded', 'RUN <<"EOF"\n$a\nEOF', 'EOF false false "$a\\n"'],
    ['with a dash tabs before the end are taken', 'RUN <<-EOF\n\ta\n\tEOF', 'EOF true true "\\ta\\n"'],
    ['several on a line', 'COPY <<A <<B /x\n1\nA\n2\nB', 'A true false "1\\n"', 'B true false "2\\n"'],
    ['empty', 'COPY <<A /x\nA', 'A true false ""'],
    ['with a descriptor', 'RUN 3<<A cat\nx\nA', 'A true false "x\\n"'],
    ['continuations in it stay', 'RUN <<A\nx \\\ny\n# z\nA', 'A true false "x \\\\\\ny\\n# z\\n"'],
    ['in ONBUILD', 'ONBUILD RUN <<A\nx\nA', 'A true false "x\\n"'],
    ['not in CMD', 'CMD <<A'],
    ['not in JSON form', 'RUN ["<<A"]'],
    ['not within quotes', 'RUN echo "<<A"'],
    ['not three arrows', 'RUN cat <<<A'],
  ];
  for (const [title, text, ...documents] of rows) test(title, () => assert.deepEqual(heredocs(text), documents));

  test('without an end', () => {
    assert.throws(
      () => parseDockerfile('FROM a\nRUN <<A\nx'),
      (error: unknown) => {
        assert(error instanceof SourceError);
        assert.equal(error.message, 'unterminated heredoc');
        assert.deepEqual(error.ranges, [{ start: { line: 2, character: 0 }, end: { line: 3, character: 0 } }]);
        return true;
      },
    );
  });
});

describe('directives', () => {
  const rows: [text: string, name: string, value: string | undefined][] = [
    ['# syntax=docker/dockerfile:1', 'syntax', 'docker/dockerfile:1'],
    ['#syntax = a b\nFROM x', 'syntax', 'a b'],
    ['# SYNTAX=a', 'syntax', 'a'],
    ['# escape=`\n# syntax=a', 'syntax', 'a'],
    ['# a comment\n# syntax=a', 'syntax', undefined],
    ['\n# syntax=a', 'syntax', undefined],
    ['FROM x\n# syntax=a', 'syntax', undefined],
    ['#!/usr/bin/x\n# syntax=a', 'syntax', 'a'],
    ['// syntax=a', 'syntax', 'a'],
    ['{"syntax": "a"}', 'syntax', 'a'],
    ['# check=skip=all;error=true', 'check', 'skip=all;error=true'],
    ['# syntax=a\n# syntax=b', 'syntax', 'a'],
    ['# unknown=a\n# syntax=b', 'syntax', undefined],
  ];
  for (const [text, name, value] of rows) {
    test(JSON.stringify(text), () => assert.equal(findDirective(text, name)?.value, value));
  }
  test('twice the same is an error', () => {
    assert.throws(() => parseDockerfile('# escape=`\n# escape=`\nFROM a'), {
      message: 'only one escape parser directive can be used',
    });
  });
  test('only two letters escape', () => {
    assert.throws(() => parseDockerfile('# escape=x\nFROM a'), {
      message: "invalid escape token 'x' does not match ` or \\",
    });
  });
});
