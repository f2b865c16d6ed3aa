// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the language's own braces
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { convertText } from '../to-llb/fake-resolver.ts';

describe('a check finds', () => {
  const rows: [text: string, ...findings: string[]][] = [
    ['FROM base\nRUN a'],
    ['FROM base AS Build', "1 StageNameCasing: Stage name 'Build' should be lowercase"],
    ['FROM base as b', "1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"],
    ['from base AS b', "1 FromAsCasing: 'AS' and 'from' keywords' casing do not match"],
    ['FROM base\nRUN a \\\n\nb', '4 NoEmptyContinuation: Empty continuation line'],
    [
      'FROM base\nrun a',
      "2 ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase)",
    ],
    [
      'from base\nrun a\nRun b',
      "3 ConsistentInstructionCasing: Command 'Run' should match the case of the command majority (lowercase)",
    ],
    ['FROM base AS a\nFROM base AS a', '2 DuplicateStageName: Duplicate stage name "a", stage names should be unique'],
    [
      'FROM base AS context',
      '1 ReservedStageName: Stage name should not use the same name as reserved stage "context"',
    ],
    [
      'FROM base\nCMD a',
      '2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals',
    ],
    ['FROM base\nSHELL ["sh"]\nENTRYPOINT a'],
    ['FROM base\nMAINTAINER a', '2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label'],
    [
      'ARG IMAGE=base\nFROM ${IMAGE}${IMAGES}',
      "2 UndefinedArgInFrom: FROM argument 'IMAGES' is not declared (did you mean IMAGE?)",
    ],
    [
      'FROM base\nWORKDIR a\nWORKDIR b',
      '2 WorkdirRelativePath: Relative workdir "a" can have unexpected results if the base image changes',
    ],
    ['FROM base\nWORKDIR /a\nWORKDIR b'],
    ['FROM base\nENV X=$PAHT', "2 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)"],
    ['FROM base\nENV X=${NO:-1}'],
    [
      'FROM base\nCMD ["a"]\nCMD ["b"]',
      '2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used',
    ],
    [
      'FROM base\nENV a b',
      '2 LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
    ],
    [
      'FROM base\nLABEL a b',
      '2 LegacyKeyValueFormat: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ],
    [
      'FROM --platform=linux/arm64 base',
      '1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/arm64"',
      '1 InvalidBaseImagePlatform: Base image base was pulled with platform "linux/amd64", expected "linux/arm64" for current build',
    ],
    ['FROM --platform=linux/amd64 base AS amd64-x'],
    [
      'FROM --platform=$TARGETPLATFORM base',
      '1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    ],
    ['FROM --platform=$BUILDPLATFORM base'],
    [
      'FROM base\nENV DB_PASSWORD=x',
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "DB_PASSWORD")',
    ],
    [
      'FROM base\nARG API_KEY',
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "API_KEY")',
    ],
    ['FROM base\nENV PUBLIC_KEY=x MONKEY=y TOKEN_FILE=z'],
    [
      'FROM base\nEXPOSE 80/TCP',
      "2 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
    ],
    [
      'FROM base\nEXPOSE 127.0.0.1:80:80',
      "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
    ],
    [
      'FROM base\nCOPY secret/a /',
      '2 CopyIgnoredFile: Attempting to Copy file "secret/a" that is excluded by .dockerignore',
    ],
    [
      'FROM base\nADD --link=false secret /',
      '2 CopyIgnoredFile: Attempting to Add file "secret" that is excluded by .dockerignore',
    ],
    ['FROM base\nCOPY --from=other secret /'],
    ['# what\nARG A=1\nFROM base'],
  ];
  for (const [text, ...expected] of rows) {
    test(JSON.stringify(text), async () => {
      const { findings } = await convertText(text, {}, { ignore: ['secret'] });
      const found = findings.map(({ rule, message, ranges }) => `${ranges[0]?.start.line} ${rule}: ${message}`);
      assert.deepEqual(found, expected);
    });
  }

  test('a default that names no image, though a good one is given', async () => {
    const { findings } = await convertText('ARG TAG\nFROM base:${TAG}', { 'build-arg:TAG': 'latest' });
    assert.deepEqual(
      findings.map(({ rule }) => rule),
      ['InvalidDefaultArgInFrom'],
    );
  });
  test('descriptions that describe nothing, where asked for', async () => {
    const { findings } = await convertText('# what\nARG A=1\nFROM base', {}, { check: 'experimental=all' });
    assert.deepEqual(
      findings.map(({ message }) => message),
      ['Comment for ARG should follow the format: `# A <description>`'],
    );
  });
});

describe('checks are chosen', () => {
  const text = 'FROM base as b\nMAINTAINER a';
  const rows: [check: string, ...rules: string[]][] = [
    ['', 'FromAsCasing', 'MaintainerDeprecated'],
    ['skip=FromAsCasing', 'MaintainerDeprecated'],
    ['skip=FromAsCasing,MaintainerDeprecated'],
    ['skip=all'],
    ['skip=all;error=true'],
  ];
  for (const [check, ...expected] of rows) {
    test(check, async () => {
      assert.deepEqual(
        (await convertText(text, {}, { check })).findings.map(({ rule }) => rule),
        expected,
      );
    });
  }
  test('error=true fails the build', async () => {
    await assert.rejects(convertText(text, {}, { check: 'skip=FromAsCasing;error=true' }), {
      message: 'lint violation found for rules: MaintainerDeprecated',
    });
  });
  test('an unknown option is refused', async () => {
    await assert.rejects(convertText(text, {}, { check: 'skpi=all' }), { message: 'invalid check option "skpi"' });
  });
});
