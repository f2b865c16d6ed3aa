import type { BuildCase } from '../build-case.ts';

/** FROM: stages and what is built of them. */
export const stages: readonly BuildCase[] = [
  { rule: 'a stage is a base', dockerfile: 'FROM busybox AS one\nRUN echo o > /o\nFROM one\nRUN cat /o > /p' },
  { rule: 'the last stage is built', dockerfile: 'FROM busybox AS a\nENV A=1\nFROM busybox\nENV B=2' },
  {
    rule: 'a target by name',
    dockerfile: 'FROM busybox AS a\nENV A=1\nFROM busybox AS b\nENV B=2',
    options: { target: 'a' },
  },
  {
    rule: 'a target in other letters',
    dockerfile: 'FROM busybox AS Some\nENV A=1\nFROM busybox AS b\nENV B=2',
    options: { target: 'sOME' },
  },
  {
    rule: 'a target that is not there',
    dockerfile: 'FROM busybox AS a\nENV A=1',
    options: { target: 'none' },
    fails: /target stage "?none"? could not be found/,
  },
  { rule: 'stages that nothing needs do not run', dockerfile: 'FROM busybox AS bad\nRUN false\nFROM busybox\nENV A=1' },
  {
    rule: 'stages behind the target do not run',
    dockerfile: 'FROM busybox AS t\nENV A=1\nFROM busybox\nRUN false',
    options: { target: 't' },
  },
  {
    rule: 'a stage of which only the config is needed',
    dockerfile: 'FROM busybox AS s\nENV A=1\nWORKDIR /w\nFROM s\nENV B=2',
  },
  {
    rule: 'a stage of scratch',
    dockerfile: 'FROM scratch AS s\nCOPY a /a\nFROM s\nCOPY b /b',
    files: { a: 'A', b: 'B' },
  },
  { rule: 'FROM with AS in small letters', dockerfile: 'FROM busybox as s\nENV A=1\nFROM s\nENV B=2' },
  {
    rule: 'a stage with the name of an image hides it',
    dockerfile: 'FROM busybox AS base\nRUN echo s > /s\nFROM base AS busybox\nFROM busybox\nENV A=1',
  },
  {
    rule: 'stages in a diamond',
    dockerfile:
      'FROM busybox AS a\nRUN echo a > /a\nFROM a AS b\nRUN echo b > /b\nFROM a AS c\nRUN echo c > /c\nFROM scratch\nCOPY --from=b /a /b /\nCOPY --from=c /c /',
  },
  {
    rule: 'the same name twice has the last',
    dockerfile: 'FROM busybox AS a\nENV A=1\nFROM busybox AS a\nENV A=2\nFROM a\nENV B=3',
  },
  {
    rule: 'names of stages may have dots and lines',
    dockerfile: 'FROM busybox AS a.b-c_d\nENV A=1\nFROM a.b-c_d\nENV B=2',
  },
  { rule: 'FROM --platform of the builder', dockerfile: 'FROM --platform=$BUILDPLATFORM busybox\nENV A=1' },
  { rule: 'FROM with a tag', dockerfile: 'FROM busybox:latest\nENV A=1' },
  { rule: 'FROM with a whole name', dockerfile: 'FROM docker.io/library/busybox:latest\nENV A=1' },
  {
    rule: 'COPY --from of itself',
    dockerfile: 'FROM scratch AS s\nCOPY --from=s /a /b',
    fails: /circular dependency|s/,
  },
  {
    rule: 'RUN --mount of a stage that nothing else needs',
    dockerfile:
      'FROM busybox AS s\nRUN echo a > /a\nFROM busybox AS unused\nRUN false\nFROM busybox\nRUN --mount=from=s,source=a,target=/a cat /a > /o',
  },
  { rule: 'a Dockerfile with another name', dockerfile: 'ENV A=1', options: { dockerfile: 'Other.dockerfile' } },
  {
    rule: 'a Dockerfile in a directory',
    dockerfile: 'COPY a /a',
    files: { a: 'A' },
    options: { dockerfile: 'sub/Dockerfile' },
  },
  {
    rule: 'equal steps in two stages are one',
    dockerfile:
      'FROM busybox AS a\nRUN cat /proc/sys/kernel/random/uuid > /u\nFROM busybox AS b\nRUN cat /proc/sys/kernel/random/uuid > /u\nFROM busybox\nRUN --mount=from=a,target=/a --mount=from=b,target=/b cmp /a/u /b/u && echo equal > /o',
  },
];
