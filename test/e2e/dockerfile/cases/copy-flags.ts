// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of the Dockerfile.
import type { BuildCase } from '../build-case.ts';

const stage = (script: string) => `FROM busybox AS s\nRUN ${script}\nFROM scratch\n`;

/** COPY: flags, and what comes from stages, images and documents. */
export const copyFlags: readonly BuildCase[] = [
  { rule: 'COPY --chown by numbers', dockerfile: 'COPY --chown=5:6 a /a', files: { a: 'A' } },
  { rule: 'COPY --chown of a user alone is its group too', dockerfile: 'COPY --chown=5 a /a', files: { a: 'A' } },
  { rule: 'COPY --chown by names', dockerfile: 'FROM busybox\nCOPY --chown=user:extra a /a', files: { a: 'A' } },
  {
    rule: 'COPY --chown of a user by name alone',
    dockerfile: 'FROM busybox\nCOPY --chown=other a /a',
    files: { a: 'A' },
  },
  {
    rule: 'COPY --chown of a name and a number',
    dockerfile: 'FROM busybox\nCOPY --chown=user:77 a /a',
    files: { a: 'A' },
  },
  {
    rule: 'COPY --chown of a tree',
    dockerfile: 'COPY --chown=5:6 d /x/y',
    files: { 'd/a': 'A', 'd/b/c': 'C', 'd/l': { link: 'a' } },
  },
  { rule: 'COPY --chown of parents', dockerfile: 'COPY --chown=5:6 a /p/q/a', files: { a: 'A' } },
  { rule: 'COPY --chown takes variables', dockerfile: 'ARG U=9\nCOPY --chown=$U:$U a /a', files: { a: 'A' } },
  { rule: 'COPY --chown keeps setuid', dockerfile: 'COPY --chown=5 a /a', files: { a: { mode: 0o6755 } } },
  { rule: 'COPY does not look at USER', dockerfile: 'USER 33:44\nCOPY a /x/a', files: { a: 'A' } },
  { rule: 'COPY --chmod of a file', dockerfile: 'COPY --chmod=640 a /a', files: { a: 'A' } },
  {
    rule: 'COPY --chmod of a tree',
    dockerfile: 'COPY --chmod=0750 d /x',
    files: { 'd/a': 'A', 'd/b/c': 'C', 'd/l': { link: 'a' } },
  },
  { rule: 'COPY --chmod with setuid', dockerfile: 'COPY --chmod=4755 a /a', files: { a: 'A' } },
  { rule: 'COPY --chmod leaves parents as they are', dockerfile: 'COPY --chmod=600 a /p/q/a', files: { a: 'A' } },
  { rule: 'COPY --chmod and --chown', dockerfile: 'COPY --chmod=4711 --chown=1:2 a /a', files: { a: 'A' } },
  {
    rule: 'COPY --chmod takes variables',
    dockerfile: 'ARG M=611\nCOPY --chmod=$M a /a',
    files: { a: 'A' },
    isNewer: true,
  },
  {
    rule: 'COPY --chmod by letters',
    dockerfile: 'COPY --chmod=u=rwX,go=rX d /x',
    files: { 'd/a': { mode: 0o600 }, 'd/b': { mode: 0o700 } },
    isNewer: true,
  },
  {
    rule: 'COPY --chmod by letters adds',
    dockerfile: 'COPY --chmod=a+x a /a',
    files: { a: { mode: 0o640 } },
    isNewer: true,
  },
  {
    rule: 'COPY --chmod by letters takes away',
    dockerfile: 'COPY --chmod=go-rwx a /a',
    files: { a: { mode: 0o755 } },
    isNewer: true,
  },
  { rule: 'COPY --link of a file', dockerfile: 'COPY --link a /q/a', files: { a: 'A' } },
  { rule: 'COPY --link of a directory', dockerfile: 'FROM busybox\nCOPY --link d /etc/', files: { 'd/a': 'A' } },
  {
    rule: 'COPY --link in a row',
    dockerfile: 'COPY --link a /x/\nCOPY --link b /x/\nCOPY c /x/',
    files: { a: 'A', b: 'B', c: 'C' },
  },
  { rule: 'COPY --link=false', dockerfile: 'COPY --link=false a /a', files: { a: 'A' } },
  {
    rule: 'COPY --link with --chown and --chmod',
    dockerfile: 'COPY --link --chown=3:4 --chmod=700 a /q/a',
    files: { a: 'A' },
  },
  { rule: 'COPY --link below a RUN', dockerfile: 'COPY --link a /x/a\nRUN echo more >> /x/a', files: { a: 'A' } },
  {
    rule: 'COPY --exclude of a pattern',
    dockerfile: 'COPY --exclude=*.o d /x',
    files: { 'd/a.o': '', 'd/b': 'B', 'd/e/c.o': 'C' },
    isNewer: true,
  },
  {
    rule: 'COPY --exclude of two patterns',
    dockerfile: 'COPY --exclude=a --exclude=**/c d /x',
    files: { 'd/a': '', 'd/b': 'B', 'd/e/c': 'C', 'd/e/f': 'F' },
    isNewer: true,
  },
  {
    rule: 'COPY --exclude of a directory',
    dockerfile: 'COPY --exclude=e d /x',
    files: { 'd/a': 'A', 'd/e/c': 'C' },
    isNewer: true,
  },
  { rule: 'COPY --parents', dockerfile: 'COPY --parents d/e/f /x/', files: { 'd/e/f': 'F', 'd/g': '' }, isNewer: true },
  {
    rule: 'COPY --parents of patterns',
    dockerfile: 'COPY --parents */a b /x/',
    files: { 'd/a': '1', 'e/a': '2', b: 'B' },
    isNewer: true,
  },
  {
    rule: 'COPY --parents from a pivot on',
    dockerfile: 'COPY --parents d/./e/f /x/',
    files: { 'd/e/f': 'F' },
    isNewer: true,
  },
  {
    rule: 'COPY --from of a stage by number',
    dockerfile: 'FROM busybox\nRUN echo n > /n\nFROM scratch\nCOPY --from=0 /n /m',
  },
  { rule: 'COPY --from of a stage by name', dockerfile: `${stage('echo n > /n')}COPY --from=s /n /m` },
  {
    rule: 'COPY --from of a stage by name in other letters',
    dockerfile: 'FROM busybox AS Base\nRUN echo n > /n\nFROM scratch\nCOPY --from=bASE /n /m',
  },
  { rule: 'COPY --from of an image', dockerfile: 'COPY --from=busybox /etc/group /g' },
  {
    rule: 'COPY --from has the root as the place of relative paths',
    dockerfile: `FROM busybox AS s\nWORKDIR /w\nRUN echo n > n\nFROM scratch\nCOPY --from=s w/n /m`,
  },
  {
    rule: 'COPY --from keeps owners',
    dockerfile: `${stage('mkdir /d && echo a > /d/a && chown -R 7:8 /d && chmod 750 /d')}COPY --from=s /d /x`,
  },
  {
    rule: 'COPY --from keeps owners of a file',
    dockerfile: `${stage('echo a > /a && chown 7:8 /a && chmod 4750 /a')}COPY --from=s /a /x/`,
  },
  {
    rule: 'COPY --from with --chown',
    dockerfile: `${stage('mkdir /d && echo a > /d/a && chown -R 7:8 /d')}COPY --from=s --chown=1:2 /d /x`,
  },
  {
    rule: 'COPY --from of a link takes what it leads to',
    dockerfile: `${stage('echo r > /r && ln -s r /l && ln -s /l /m')}COPY --from=s /l /m /x/`,
  },
  {
    rule: 'COPY --from through links stays in the stage',
    dockerfile: `${stage('mkdir /d && echo in > /d/a && ln -s ../../../d /l')}COPY --from=s /l/a /x`,
  },
  {
    rule: 'COPY --from of a directory with links',
    dockerfile: `${stage('mkdir /d && ln -s /etc/passwd /d/l && ln -s none /d/m')}COPY --from=s /d /x`,
  },
  {
    rule: 'COPY --from keeps hard links',
    dockerfile: `${stage('mkdir /d && echo a > /d/a && ln /d/a /d/b')}COPY --from=s /d /x`,
  },
  {
    rule: 'COPY --from keeps fifos and devices',
    dockerfile: `${stage('mkdir /d && mkfifo -m 640 /d/p && mknod /d/c c 1 3')}COPY --from=s /d /x`,
  },
  {
    rule: 'COPY --from does not see what was removed',
    dockerfile: 'FROM busybox AS s\nRUN mkdir /d && touch /d/a /d/b\nRUN rm /d/a\nFROM scratch\nCOPY --from=s /d /x',
  },
  {
    rule: 'COPY --from of a replaced directory',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /d && touch /d/a\nRUN rm -r /d && mkdir /d && touch /d/b\nFROM scratch\nCOPY --from=s /d /x',
  },
  {
    rule: 'COPY --from by a pattern',
    dockerfile: `${stage('mkdir /d && touch /d/a1 /d/a2 /d/b')}COPY --from=s /d/a* /x/`,
  },
  {
    rule: 'COPY --from of the root',
    dockerfile: 'FROM scratch AS s\nCOPY a /d/a\nCOPY b /b\nFROM scratch\nCOPY --from=s / /x',
    files: { a: 'A', b: 'B' },
  },
  {
    rule: 'COPY --from takes variables before FROM',
    dockerfile: 'ARG N=s\nFROM busybox AS s\nRUN echo n > /n\nFROM scratch\nCOPY --from=s /n /m',
  },
  { rule: 'COPY of a document', dockerfile: 'COPY <<T /t\nhello\nT' },
  { rule: 'COPY of a document takes variables', dockerfile: 'ENV W=world\nCOPY <<T /t\nhello $W ${W}\nT' },
  { rule: 'COPY of a quoted document takes none', dockerfile: 'ENV W=world\nCOPY <<"T" /t\nhello $W\nT' },
  { rule: 'COPY of a document with tabs cut off', dockerfile: 'COPY <<-T /t\n\t\tone\n\ttwo\n\tT' },
  { rule: 'COPY of a document into a directory has its name', dockerfile: 'COPY <<name.txt /d/\nhello\nname.txt' },
  { rule: 'COPY of two documents', dockerfile: 'COPY <<a <<b /d/\none\na\ntwo\nb' },
  { rule: 'COPY of a document and a file', dockerfile: 'COPY <<a f /d/\none\na', files: { f: 'F' } },
  { rule: 'COPY of an empty document', dockerfile: 'COPY <<T /t\nT' },
  {
    rule: 'COPY of a document with --chmod and --chown',
    dockerfile: 'COPY --chmod=755 --chown=5:6 <<T /t\n#!/bin/sh\nT',
  },
  { rule: 'COPY of a document with comments and backslashes', dockerfile: 'COPY <<T /t\n# kept\na \\\nb\n\nc\nT' },
  {
    rule: 'COPY --chown of a name that is not there is root',
    dockerfile: 'FROM busybox\nCOPY --chown=nobodyhere a /a',
    files: { a: 'A' },
  },
];
