/** A Dockerfile, and what has to come of it: one rule of the language each. */
export interface DockerfileCase {
  readonly rule: string;
  /** What follows `FROM busybox`, unless it has a FROM of its own. */
  readonly dockerfile: string;
  /** Text by path; `{ mode, link }` for what is more. */
  readonly files?: Readonly<Record<string, string | { readonly mode?: number; readonly link?: string }>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Lines that a RUN prints behind `=> `. */
  readonly prints?: readonly string[];
  /** Part of the image's config. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly fails?: RegExp;
  /** Not in the classic builder of dockerd 20.10. */
  readonly isNew?: boolean;
}

const list = (path: string) => `RUN cd ${path} && find . -mindepth 1 | sort | sed 's/^/=> /'`;
const say = (text: string) => `RUN echo "=> ${text}"`;

const words: readonly DockerfileCase[] = [
  { rule: 'keywords in small letters', dockerfile: 'run echo "=> small"', prints: ['small'] },
  { rule: 'a line goes on behind a backslash', dockerfile: 'RUN echo \\\n  "=> on"', prints: ['on'] },
  {
    rule: 'comments between continued lines',
    dockerfile: 'RUN echo "=> a"; \\\n# no\n  echo "=> b"',
    prints: ['a', 'b'],
  },
  { rule: 'another escape character', dockerfile: '# escape=`\nFROM busybox\nRUN echo `\n "=> e"', prints: ['e'] },
  {
    rule: 'a comment is no directive behind one',
    dockerfile: '# c\n# escape=`\nFROM busybox\nRUN echo \\\n "=> e"',
    prints: ['e'],
  },
  { rule: 'spaces before an instruction', dockerfile: '   RUN echo "=> spaces"', prints: ['spaces'] },
  { rule: 'CRLF line ends', dockerfile: 'ENV A=b\r\nRUN echo "=> $A"\r\n', prints: ['b'] },
  {
    rule: 'an unknown directive is a comment',
    dockerfile: '# colour=red\nFROM busybox\nRUN echo "=> c"',
    prints: ['c'],
  },
  { rule: 'exec form runs without a shell', dockerfile: 'RUN ["echo", "=> $HOME"]', prints: ['$HOME'] },
  { rule: 'a broken exec form is shell form', dockerfile: `RUN ['echo', 'x'] || echo "=> shell"`, prints: ['shell'] },
  { rule: 'SHELL changes shell form', dockerfile: 'SHELL ["echo", "=>"]\nRUN x', prints: ['x'] },
];

const variables: readonly DockerfileCase[] = [
  {
    rule: 'ENV with equals signs',
    dockerfile: `ENV A=1 B="two words" C=three\\ words\n${say('$A|$B|$C')}`,
    prints: ['1|two words|three words'],
  },
  { rule: 'ENV with a space', dockerfile: `ENV A one two\n${say('$A')}`, prints: ['one two'] },
  { rule: 'one ENV sees values from before it', dockerfile: `ENV A=1\nENV A=2 B=$A\n${say('$A $B')}`, prints: ['2 1'] },
  {
    rule: 'a default where a variable is not set',
    dockerfile: `ENV A=\${X:-d} B=\${PATH:+p}\n${say('$A$B')}`,
    prints: ['dp'],
  },
  { rule: 'an escaped dollar', dockerfile: `ENV A=\\$PATH\nRUN echo '=> '$A`, prints: ['$PATH'] },
  { rule: 'single quotes keep a dollar', dockerfile: `ENV A='$PATH'\nRUN echo '=> '$A`, prints: ['$PATH'] },
  { rule: 'ARG has a default', dockerfile: `ARG A=d\n${say('$A')}`, prints: ['d'] },
  { rule: 'ARG is given', dockerfile: `ARG A=d\n${say('$A')}`, query: { buildargs: '{"A":"g"}' }, prints: ['g'] },
  { rule: 'ARG is not there before its line', dockerfile: `${say('[$A]')}\nARG A=d`, prints: ['[]'] },
  {
    rule: 'ENV wins over ARG',
    dockerfile: `ARG A=a\nENV A=e\n${say('$A')}`,
    query: { buildargs: '{"A":"g"}' },
    prints: ['e'],
  },
  {
    rule: 'ARG ends with its stage',
    dockerfile: `FROM busybox\nARG A=a\nFROM busybox\n${say('[$A]')}`,
    prints: ['[]'],
  },
  { rule: 'an ARG before FROM names the base', dockerfile: `ARG B=busybox\nFROM $B\n${say('[$B]')}`, prints: ['[]'] },
  {
    rule: 'an ARG before FROM comes in by its name',
    dockerfile: `ARG B=busybox\nFROM $B\nARG B\n${say('$B')}`,
    prints: ['busybox'],
  },
  {
    rule: 'an ARG does not stay in the image',
    dockerfile: 'ARG A=a\nENV B=$A',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'B=a'] },
  },
  {
    rule: 'proxies are known without ARG',
    dockerfile: say('$http_proxy'),
    query: { buildargs: '{"http_proxy":"http://p"}' },
    prints: ['http://p'],
  },
  {
    rule: 'LABEL takes variables',
    dockerfile: 'ARG A=a\nLABEL one=$A two="b $A"',
    config: { Labels: { one: 'a', two: 'b a' } },
  },
  {
    rule: 'cutting off by patterns',
    dockerfile: `ENV A=foobarbaz\nENV B=\${A#foo} C=\${A%baz}\n${say('$B $C')}`,
    prints: ['barbaz foobar'],
    isNew: true,
  },
];

const copying: readonly DockerfileCase[] = [
  {
    rule: 'COPY of a file to a name',
    dockerfile: 'COPY a /x/y\nRUN echo "=> $(cat /x/y)"',
    files: { a: 'A' },
    prints: ['A'],
  },
  {
    rule: 'COPY of a file to a directory',
    dockerfile: `COPY a /x/\n${list('/x')}`,
    files: { a: 'A' },
    prints: ['./a'],
  },
  {
    rule: 'COPY of a directory takes what is in it',
    dockerfile: `COPY d /x\n${list('/x')}`,
    files: { 'd/a': 'A', 'd/b/c': 'C' },
    prints: ['./a', './b', './b/c'],
  },
  {
    rule: 'COPY to a relative path',
    dockerfile: `WORKDIR /w\nCOPY a b/\n${list('/w')}`,
    files: { a: 'A' },
    prints: ['./b', './b/a'],
  },
  {
    rule: 'COPY by a pattern',
    dockerfile: `COPY *.t? /x/\n${list('/x')}`,
    files: { 'a.tx': '', 'b.ty': '', c: '' },
    prints: ['./a.tx', './b.ty'],
  },
  {
    rule: 'COPY by a class of letters',
    dockerfile: `COPY [ab] /x/\n${list('/x')}`,
    files: { a: '', b: '', c: '' },
    prints: ['./a', './b'],
  },
  {
    rule: 'COPY in JSON takes spaces',
    dockerfile: `COPY ["a b", "/x y/"]\n${list('"/x y"')}`,
    files: { 'a b': '' },
    prints: ['./a b'],
  },
  {
    rule: 'COPY takes variables',
    dockerfile: `ENV D=/x\nCOPY a $D/\n${list('/x')}`,
    files: { a: '' },
    prints: ['./a'],
  },
  {
    rule: 'COPY keeps links that are in a directory',
    dockerfile: 'COPY d /x\nRUN echo "=> $(readlink /x/l)"',
    files: { 'd/a': 'A', 'd/l': { link: 'a' } },
    prints: ['a'],
  },
  {
    rule: 'COPY keeps modes',
    dockerfile: 'COPY a /a\nRUN echo "=> $(stat -c %a /a)"',
    files: { a: { mode: 0o751 } },
    prints: ['751'],
  },
  {
    rule: 'COPY makes parents with mode 755',
    dockerfile: 'COPY a /p/q/a\nRUN echo "=> $(stat -c %a:%u /p /p/q | xargs)"',
    files: { a: '' },
    prints: ['755:0 755:0'],
  },
  {
    rule: 'COPY --chown by numbers',
    dockerfile: 'COPY --chown=5:6 a /a\nRUN echo "=> $(stat -c %u:%g /a)"',
    files: { a: '' },
    prints: ['5:6'],
  },
  {
    rule: 'COPY --chown of a user alone is its group too',
    dockerfile: 'COPY --chown=5 a /a\nRUN echo "=> $(stat -c %u:%g /a)"',
    files: { a: '' },
    prints: ['5:5'],
  },
  {
    rule: 'COPY over a file',
    dockerfile: 'COPY a /f\nCOPY b /f\nRUN echo "=> $(cat /f)"',
    files: { a: 'A', b: 'B' },
    prints: ['B'],
  },
  {
    rule: 'COPY into a link of the image stays inside',
    dockerfile: 'RUN mkdir /t && ln -s /t /l\nCOPY a /l/\nRUN echo "=> $(cat /t/a)"',
    files: { a: 'A' },
    prints: ['A'],
  },
  {
    rule: 'COPY does not unpack',
    dockerfile: `COPY a.tar /x/\n${list('/x')}`,
    files: { 'a.tar': '' },
    prints: ['./a.tar'],
  },
  {
    rule: 'COPY --from of an earlier stage by number',
    dockerfile: 'FROM busybox\nRUN echo n > /n\nFROM busybox\nCOPY --from=0 /n /m\nRUN echo "=> $(cat /m)"',
    prints: ['n'],
  },
  {
    rule: 'COPY --from of an image',
    dockerfile:
      'FROM busybox\nCOPY --from=busybox:latest /bin/sh /other\nRUN echo "=> $(test -s /other && echo there)"',
    prints: ['there'],
  },
  {
    rule: 'COPY --from of a link takes what it leads to',
    dockerfile:
      'FROM busybox\nRUN echo r > /r && ln -s r /l\nFROM busybox\nCOPY --from=0 /l /m\nRUN echo "=> $(cat /m)"',
    prints: ['r'],
  },
  {
    rule: 'stages can be bases',
    dockerfile: 'FROM busybox AS one\nRUN echo o > /o\nFROM one\nRUN echo "=> $(cat /o)"',
    prints: ['o'],
  },
  { rule: 'COPY of nothing fails', dockerfile: 'COPY none /x', fails: /COPY failed|not found/ },
  {
    rule: 'COPY --chmod',
    dockerfile: 'COPY --chmod=640 a /a\nRUN echo "=> $(stat -c %a /a)"',
    files: { a: '' },
    prints: ['640'],
    isNew: true,
  },
  {
    rule: 'COPY --link',
    dockerfile: 'COPY --link a /q/a\nRUN echo "=> $(cat /q/a)"',
    files: { a: 'A' },
    prints: ['A'],
    isNew: true,
  },
  {
    rule: 'COPY --exclude',
    dockerfile: `COPY --exclude=*.o d /x\n${list('/x')}`,
    files: { 'd/a.o': '', 'd/b': '' },
    prints: ['./b'],
    isNew: true,
  },
  {
    rule: 'COPY --parents',
    dockerfile: `COPY --parents d/e/f /x/\n${list('/x')}`,
    files: { 'd/e/f': '' },
    prints: ['./d', './d/e', './d/e/f'],
    isNew: true,
  },
  {
    rule: 'COPY of a document',
    dockerfile: 'ENV W=world\nCOPY <<T /t\nhello $W\nT\nRUN echo "=> $(cat /t)"',
    prints: ['hello world'],
    isNew: true,
  },
  {
    rule: 'RUN of a document',
    dockerfile: 'RUN <<T\necho "=> one"\necho "=> two"\nT',
    prints: ['one', 'two'],
    isNew: true,
  },
];

const configs: readonly DockerfileCase[] = [
  {
    rule: 'WORKDIR piles up',
    dockerfile: 'WORKDIR /a\nWORKDIR b\nRUN echo "=> $(pwd)"',
    prints: ['/a/b'],
    config: { WorkingDir: '/a/b' },
  },
  { rule: 'WORKDIR takes variables', dockerfile: 'ENV D=/v\nWORKDIR $D/w', config: { WorkingDir: '/v/w' } },
  {
    rule: 'USER runs what follows',
    dockerfile: 'USER 12:34\nRUN echo "=> $(id -u):$(id -g)"',
    prints: ['12:34'],
    config: { User: '12:34' },
  },
  { rule: 'CMD in shell form', dockerfile: 'CMD echo hi', config: { Cmd: ['/bin/sh', '-c', 'echo hi'] } },
  { rule: 'CMD in exec form', dockerfile: 'CMD ["echo", "hi"]', config: { Cmd: ['echo', 'hi'] } },
  { rule: 'the last CMD counts', dockerfile: 'CMD ["a"]\nCMD ["b"]', config: { Cmd: ['b'] } },
  {
    rule: 'ENTRYPOINT clears the CMD of the base',
    dockerfile: 'FROM busybox AS b\nCMD ["x"]\nFROM b\nENTRYPOINT ["e"]',
    config: { Entrypoint: ['e'], Cmd: null },
  },
  {
    rule: 'ENTRYPOINT keeps a CMD of its own stage',
    dockerfile: 'CMD ["x"]\nENTRYPOINT ["e"]',
    config: { Entrypoint: ['e'], Cmd: ['x'] },
  },
  {
    rule: 'EXPOSE knows protocols and ranges',
    dockerfile: 'EXPOSE 1 2/udp 8-10/tcp',
    config: { ExposedPorts: { '1/tcp': {}, '2/udp': {}, '8/tcp': {}, '9/tcp': {}, '10/tcp': {} } },
  },
  { rule: 'EXPOSE refuses what is no port', dockerfile: 'EXPOSE x', fails: /[Ii]nvalid containerPort: x/ },
  {
    rule: 'VOLUME in both forms',
    dockerfile: 'VOLUME /a /b\nVOLUME ["/c"]',
    config: { Volumes: { '/a': {}, '/b': {}, '/c': {} } },
  },
  { rule: 'STOPSIGNAL', dockerfile: 'STOPSIGNAL 9', config: { StopSignal: '9' } },
  {
    rule: 'HEALTHCHECK with its options',
    dockerfile: 'HEALTHCHECK --interval=1s --timeout=2s --retries=3 CMD x',
    config: { Healthcheck: { Test: ['CMD-SHELL', 'x'], Interval: 1e9, Timeout: 2e9, Retries: 3 } },
  },
  { rule: 'HEALTHCHECK NONE', dockerfile: 'HEALTHCHECK NONE', config: { Healthcheck: { Test: ['NONE'] } } },
  { rule: 'HEALTHCHECK refuses a wrong time', dockerfile: 'HEALTHCHECK --interval=x CMD y', fails: /invalid duration/ },
  {
    rule: 'SHELL stays in the image',
    dockerfile: 'SHELL ["/bin/sh", "-c"]\nCMD x',
    config: { Shell: ['/bin/sh', '-c'] },
  },
  { rule: 'ONBUILD waits', dockerfile: 'ONBUILD RUN false', config: { OnBuild: ['RUN false'] } },
  {
    rule: 'ONBUILD runs in the next',
    dockerfile: 'FROM busybox AS b\nONBUILD RUN echo "=> onbuild"\nFROM b',
    prints: ['onbuild'],
    isNew: true,
  },
  { rule: 'MAINTAINER', dockerfile: 'MAINTAINER me\nENV A=b', config: {} },
  {
    rule: 'labels of the request',
    dockerfile: 'LABEL a=1',
    query: { labels: '{"b":"2"}' },
    config: { Labels: { a: '1', b: '2' } },
  },
  { rule: 'ONBUILD refuses FROM', dockerfile: 'ONBUILD FROM x', fails: /FROM isn't allowed as an ONBUILD trigger/ },
  {
    rule: 'CMD wants valid words',
    dockerfile: 'FROM busybox\nLABEL a',
    fails: /LABEL must have two arguments|must be of the form|Syntax error/,
  },
  { rule: 'ENV wants a value', dockerfile: 'ENV A', fails: /ENV must have two arguments/ },
  {
    rule: 'an unknown flag',
    dockerfile: 'COPY --colour=red a /a',
    files: { a: '' },
    fails: /[Uu]nknown flag: -*colour/,
  },
];

export const dockerfileCases: readonly DockerfileCase[] = [...words, ...variables, ...copying, ...configs];
