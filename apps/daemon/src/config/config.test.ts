import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseListenAddress } from '../listen/address.ts';
import { type DaemonEnvironment, loadSettings } from './config.ts';
import { parseFlags } from './flags.ts';
import type { Settings } from './options.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-config-'));
const file = join(directory, 'daemon.json');
after(() => rmSync(directory, { recursive: true }));

const environment: DaemonEnvironment = {
  listenFds: 0,
  notifySocket: undefined,
  minimumApiVersion: undefined,
  path: '',
  proxies: { http: '', https: '', no: '' },
  handedOver: undefined,
  faultPoint: undefined,
};

function load(argv: string[], json = '{}'): Settings {
  writeFileSync(file, json);
  return loadSettings(parseFlags(['--config-file', file, ...argv]), environment);
}

describe('flags', () => {
  const rows: [argv: string[], expected: Partial<Settings>][] = [
    [['--data-root', '/a'], { 'data-root': '/a' }],
    [['--data-root=/a'], { 'data-root': '/a' }],
    [
      ['-H', 'unix:///a', '-Hunix:///b', '-H=fd://', '--host=tcp://:1'],
      { hosts: ['unix:///a', 'unix:///b', 'fd://', 'tcp://:1'] },
    ],
    [['-D'], { debug: true, 'log-level': 'debug' }],
    [['-Dl', 'warn'], { debug: true }],
    [['--debug=false'], { debug: false, 'log-level': 'info' }],
    [['--tlsverify'], { tls: true, tlsverify: true }],
    [['--log-opt', 'max-size=1m', '--log-opt', 'max-file=2'], { 'log-opts': { 'max-size': '1m', 'max-file': '2' } }],
    [['--exec-root', '/x'], { hosts: ['unix:///x/wharf.sock'], pidfile: '/x/wharfd.pid' }],
    [
      ['--default-address-pool', 'base=10.0.0.0/8,size=24'],
      { 'default-address-pools': [{ base: '10.0.0.0/8', size: 24 }] },
    ],
    [['--default-ulimit', 'nofile=1:2'], { 'default-ulimits': [{ Name: 'nofile', Soft: 1, Hard: 2 }] }],
    [['--default-shm-size', '1g'], { 'default-shm-size': 2 ** 30 }],
    [['--add-runtime', 'a=/b'], { runtimes: { a: { path: '/b', runtimeArgs: [] } } }],
  ];
  for (const [argv, expected] of rows) {
    test(argv.join(' '), () => {
      const settings = load(argv);
      for (const [name, value] of Object.entries(expected)) assert.deepEqual(settings[name as keyof Settings], value);
    });
  }
});

describe('refusals', () => {
  const rows: [argv: string[], json: string, message: RegExp][] = [
    [['--no-such'], '{}', /^unknown flag: --no-such$/],
    [['-x'], '{}', /^unknown shorthand flag: 'x' in -x$/],
    [['--data-root'], '{}', /^flag needs an argument: --data-root$/],
    [['serve'], '{}', /accepts no arguments/],
    [['--mtu', 'x'], '{}', /^invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax$/],
    [['--log-level', 'loud'], '{}', /^invalid argument "loud" for "--log-level" flag/],
    [
      [],
      '{"no-such":1,"dns":[]}',
      /daemon.json: the following directives don't match any configuration option: no-such$/,
    ],
    [
      ['--mtu', '1'],
      '{"mtu":2}',
      /specified both as a flag and in the configuration file: mtu: \(from flag: 1, from file: 2\)$/,
    ],
    [['-H', 'fd://'], '{"hosts":["fd://"]}', /hosts: \(from flag: \["fd:\/\/"\], from file: \["fd:\/\/"\]\)$/],
    [[], '{"mtu":"1"}', /cannot unmarshal string into Go struct field Config.mtu of type int64$/],
    [[], '{"mtu":1', /invalid JSON: unexpected EOF$/],
    [[], '[]', /must be an object$/],
    [[], '{"min-api-version":"1.10"}', /minimum supported API version is 1.24/],
    [[], '{"labels":["a"]}', /^bad attribute format: a$/],
  ];
  for (const [argv, json, message] of rows) {
    test([...argv, json].join(' '), () => assert.throws(() => load(argv, json), { message }));
  }

  test('a file that was named must exist', () => {
    const flags = parseFlags(['--config-file', join(directory, 'none')]);
    assert.throws(() => loadSettings(flags, environment), {
      message: /unable to configure the Docker daemon with file/,
    });
  });
});

describe('listen addresses', () => {
  const rows: [text: string, expected: ReturnType<typeof parseListenAddress> | RegExp][] = [
    ['unix:///run/x', { kind: 'unix', path: '/run/x' }],
    ['fd://', { kind: 'fd', which: '' }],
    ['fd://3', { kind: 'fd', which: '3' }],
    ['tcp://127.0.0.1:99', { kind: 'tcp', host: '127.0.0.1', port: 99 }],
    ['tcp://0.0.0.0', { kind: 'tcp', host: '0.0.0.0', port: 2375 }],
    ['tcp://[::1]:99', { kind: 'tcp', host: '::1', port: 99 }],
    ['tcp://:99', { kind: 'tcp', host: 'localhost', port: 99 }],
    ['127.0.0.1:99', { kind: 'tcp', host: '127.0.0.1', port: 99 }],
    ['unix://x', /absolute/],
    ['npipe://x', /unsupported proto npipe/],
    ['tcp://a:b', /malformed/],
    ['tcp://a:70000', /invalid port/],
  ];
  for (const [text, expected] of rows) {
    test(text, () => {
      if (expected instanceof RegExp)
        assert.throws(() => parseListenAddress(text, { tls: false }), { message: expected });
      else assert.deepEqual(parseListenAddress(text, { tls: false }), expected);
    });
  }
  test('TLS has its own port', () => {
    assert.deepEqual(parseListenAddress('tcp://a', { tls: true }), { kind: 'tcp', host: 'a', port: 2376 });
  });
});
