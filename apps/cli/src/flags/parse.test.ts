import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bool, int, isChanged, list, strings, text } from './flag.ts';
import { parseFlags } from './parse.ts';

const flags = {
  all: bool('', { short: 'a' }),
  detach: bool('', { short: 'd' }),
  'sig-proxy': bool('', { initial: true }),
  name: text(''),
  publish: list('', { short: 'p' }),
  last: int('', { short: 'n', initial: -1 }),
  weight: int('', { kind: 'uint16' }),
  gateway: strings(''),
};

function parse(line: string, interspersed = true) {
  const { values, positional } = parseFlags(flags, line.split(' ').filter(Boolean), { interspersed });
  return { values, positional };
}

describe('what pflag reads', () => {
  const rows: [line: string, expected: Partial<Record<keyof typeof flags, unknown>>, positional: string[]][] = [
    ['', { all: false, 'sig-proxy': true, last: -1 }, []],
    ['-a -d x', { all: true, detach: true }, ['x']],
    ['-ad', { all: true, detach: true }, []],
    ['-adp 80 x', { all: true, publish: ['80'] }, ['x']],
    ['-p8080:80 -p=81 -p 82', { publish: ['8080:80', '81', '82'] }, []],
    ['--all=false --sig-proxy=0 x', { all: false, 'sig-proxy': false }, ['x']],
    ['--all false', { all: true }, ['false']],
    ['--name=a=b', { name: 'a=b' }, []],
    ['--name= x', { name: '' }, ['x']],
    ['--name a --name b', { name: 'b' }, []],
    ['--name -a', { name: '-a', all: false }, []],
    ['x -a y', { all: true }, ['x', 'y']],
    ['x -- -a', { all: false }, ['x', '-a']],
    ['- -a', { all: true }, ['-']],
    ['-n 0x10 --weight 65535', { last: 16, weight: 65535 }, []],
    ['-n -5', { last: -5 }, []],
    ['--gateway a,b --gateway c', { gateway: ['a', 'b', 'c'] }, []],
  ];
  for (const [line, expected, positional] of rows) {
    test(JSON.stringify(line), () => {
      const parsed = parse(line);
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(parsed.values[name as keyof typeof flags], value, name);
      }
      assert.deepEqual(parsed.positional, positional);
    });
  }

  test('the first argument ends the flags of run and exec', () => {
    const { values, positional } = parse('-d image --all -p 80 --', false);
    assert.equal(values.all, false);
    assert.deepEqual(positional, ['image', '--all', '-p', '80', '--']);
  });

  test('a flag given its default counts as given', () => {
    assert.equal(isChanged(parse('--all=false').values, 'all'), true);
    assert.equal(isChanged(parse('').values, 'all'), false);
  });
});

describe('what pflag says of a wrong line', () => {
  const rows: [line: string, message: string][] = [
    ['--dream', 'unknown flag: --dream'],
    ['--constructor', 'unknown flag: --constructor'],
    ['-x', "unknown shorthand flag: 'x' in -x"],
    ['-ax', "unknown shorthand flag: 'x' in -x"],
    ['--name', 'flag needs an argument: --name'],
    ['-p', "flag needs an argument: 'p' in -p"],
    ['-ap', "flag needs an argument: 'p' in -p"],
    ['---x', 'bad flag syntax: ---x'],
    ['--=x', 'bad flag syntax: --=x'],
    [
      '--all=maybe',
      'invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    ['-n x', 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      '--weight 65536',
      'invalid argument "65536" for "--weight" flag: strconv.ParseUint: parsing "65536": value out of range',
    ],
    ['--weight=-1', 'invalid argument "-1" for "--weight" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
  ];
  for (const [line, message] of rows) {
    test(line, () => assert.throws(() => parse(line), { name: 'UsageError', message }));
  }
});
