import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { busyboxRootfs, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { target } from '../harness/target.ts';
import type { BuildCase } from './dockerfile/build-case.ts';
import { type Built, buildImage, buildx } from './dockerfile/build-image.ts';
import { subjects } from './dockerfile/cases.ts';
import { describeImage } from './dockerfile/describe-image.ts';
import { Golden } from './dockerfile/golden.ts';

/**
 * Each case is one rule of Dockerfiles: what comes of it, entry by entry, is what came of it in dockerd's BuildKit.
 * `RECORD=1 TARGET=docker` writes what that makes; `RECORD=1` alone writes the cases that it is too old for, and what
 * was written then has to be read.
 */
const records = process.env.RECORD === '1';

const engine = useDaemon();
/** With what a runtime would make in it otherwise. */
const base = [busyboxRootfs(), tar(['proc', 'sys', 'dev'].map((name) => ({ name, type: 'directory' })))];
const baseDigests = base.map(digestOf);

before(() => engine.load(imageArchive('busybox:latest', base)));

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function skipOf({ isNewer, needsBuildx }: BuildCase): string | false {
  if (isNewer && target === 'docker') return 'not what the BuildKit does that is compared with';
  return needsBuildx === true && buildx === undefined && 'buildx is not installed';
}

async function described({ id, error, said }: Built): Promise<string> {
  assert.equal(error, '', said);
  const { status, bytes } = await engine.daemon.api('GET', `/images/${id}/get`);
  assert.equal(status, 200);
  return describeImage(bytes, (layer) => baseDigests.includes(digestOf(layer)));
}

for (const [subject, cases] of Object.entries(subjects)) {
  const golden = new Golden(subject);
  const chosen = cases.filter((wanted) => !skipOf(wanted) && wanted.rule.includes(process.env.RULE ?? ''));
  const builds = new Map<string, Promise<Built>>();
  /** A few ahead of the one that is looked at. */
  const buildOf = (wanted: BuildCase): Promise<Built> => {
    for (const next of chosen.slice(chosen.indexOf(wanted), chosen.indexOf(wanted) + 4)) {
      if (builds.has(next.rule)) continue;
      const build = buildImage(engine.daemon, next);
      build.catch(() => undefined);
      builds.set(next.rule, build);
    }
    return builds.get(wanted.rule)!;
  };

  describe(subject, () => {
    for (const wanted of cases) {
      const skip = chosen.includes(wanted) ? false : skipOf(wanted) || 'another rule was asked for';
      test(wanted.rule, { skip }, async () => {
        const built = await buildOf(wanted);
        if (wanted.fails) {
          assert.match(built.error, wanted.fails);
          return;
        }
        const text = await described(built);
        if (records && (target === 'docker') !== (wanted.isNewer === true)) golden.set(wanted.rule, text);
        assert.equal(text, golden.get(wanted.rule));
      });
    }

    if (records) after(() => golden.write(cases.map(({ rule }) => rule)));
  });
}

test('no rule is there twice', () => {
  const rules = Object.values(subjects).flatMap((cases) => cases.map(({ rule }) => rule));
  assert.deepEqual(
    rules.filter((rule, index) => rules.indexOf(rule) !== index),
    [],
  );
});
