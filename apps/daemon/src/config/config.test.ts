import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseListenAddress } from '../listen/address.ts';
import { loadSettings } from './config.ts';
import { parseFlags } from './flags.ts';
import type { Settings } from './options.ts';
import { mergeReloaded, reloadAttributes } from './reload.ts';
import { environment } from './test-environment.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-config-'));
const file = join(directory, 'daemon.json');
after(() => rmSync(directory, { recursive: true }));

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
    [
      ['--default-network-opt', 'bridge=a=1', '--default-network-opt=bridge=b=x=y'],
      { 'default-network-opts': { bridge: { a: '1', b: 'x=y' } } },
    ],
    [['--default-ulimit', 'nofile=1:2'], { 'default-ulimits': [{ Name: 'nofile', Soft: 1, Hard: 2 }] }],
    [['--default-shm-size', '1g'], { 'default-shm-size': 2 ** 30 }],
    [['--add-runtime', 'a=/b'], { runtimes: { a: { path: '/b', runtimeArgs: [] } } }],
    [['--exec-opt', 'native.cgroupdriver=cgroupfs'], { 'exec-opts': ['native.cgroupdriver=cgroupfs'] }],
    [['--feature', 'buildkit', '--feature=cdi=false'], { features: { buildkit: true, cdi: false } }],
    [['--storage-driver', 'overlay2'], { 'storage-driver': 'overlay2' }],
    [['--http-proxy', 'http://a:1'], { 'http-proxy': 'http://a:1' }],
    [['--authorization-plugin=a', '--authorization-plugin=b'], { 'authorization-plugins': ['a', 'b'] }],
    [['--max-concurrent-downloads', '0'], { 'max-concurrent-downloads': 3 }],
    [['--label', 'a=b', '--label', 'a=b'], { labels: ['a=b'] }],
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
    [
      ['-H', 'fd://', '--log-opt', 'b=2', '--log-opt', 'a=1', '--label', 'x=y'],
      '{"hosts":["fd://"],"log-opts":{"c":"3"},"labels":["a=b","c=d"]}',
      /: hosts: \(from flag: \[fd:\/\/\], from file: \[fd:\/\/\]\), labels: \(from flag: \[x=y\], from file: \[a=b c=d\]\), log-opts: \(from flag: map\[a:1 b:2\], from file: map\[c:3\]\)$/,
    ],
    [
      ['--http-proxy', 'http://u:secret@a'],
      '{"proxies":{"http-proxy":"http://v:hidden@b"}}',
      /http-proxy: \(from flag: http:\/\/xxxxx:xxxxx@a, from file: http:\/\/xxxxx:xxxxx@b\)$/,
    ],
    [[], '{"mtu":"1"}', /cannot unmarshal string into Go struct field Config.mtu of type int64$/],
    [[], '{"mtu":1', /invalid JSON: unexpected EOF$/],
    [[], '[]', /must be an object$/],
    [[], '{"min-api-version":"1.10"}', /minimum supported API version is 1.24/],
    [[], '{"labels":["a"]}', /^bad attribute format: a$/],
    [[], '{"labels":["=a"]}', /^invalid label '=a': empty name$/],
    [['--label', 'a=1', '--label', 'a=2'], '{}', /^conflict labels for a=2 and a=1$/],
    [['--mtu', '-1'], '{}', /^invalid default MTU: -1$/],
    [['--metrics-addr', 'localhost'], '{}', /^invalid metrics-addr \(localhost\): it must be host:port$/],
    [['--metrics-addr', 'unix:///a:1'], '{}', /^invalid metrics-addr /],
    [['--metrics-addr', ':70000'], '{}', /invalid port$/],
    [['--max-concurrent-uploads=-2'], '{}', /^invalid max concurrent uploads: -2$/],
    [['--max-download-attempts=0'], '{}', /^invalid max download attempts: 0$/],
    [['--dns', 'here'], '{}', /^IP address is not correctly formatted: here$/],
    [['--dns-search', '-x'], '{}', /^-x is not a valid domain$/],
    [['--exec-opt', 'native.cgroupdriver=systemd'], '{}', /^exec-opts=native.cgroupdriver=systemd is not supported/],
    [['--exec-opt', 'native.cgroupdriver=x'], '{}', /^native.cgroupdriver option x not supported$/],
    [['--exec-opt', 'isolation=process'], '{}', /^invalid option isolation, only native.cgroupdriver/],
    [[], '{"features":{"cdi":true}}', /^features.cdi=true is not supported by wharfd yet$/],
    [[], '{"features":{"containerd-snapshotter":false}}', /^features.containerd-snapshotter=false is not supported/],
    [['--storage-driver', 'btrfs'], '{}', /^storage-driver=btrfs is not supported by wharfd yet$/],
    [[], '{"storage-opts":["dm.basesize=1G"]}', /^storage-opts=dm.basesize=1G is not supported/],
    [[], '{"storage-opts":["overlay2.size=x"]}', /^invalid size: 'x'$/],
    [[], '{"selinux-enabled":true}', /^selinux-enabled=true is not supported/],
    [[], '{"runtimes":{"a":{"runtimeType":"io.containerd.runsc.v1"}}}', /runtimes.runtimeType is not supported/],
    [['--nri-opts', 'x'], '{}', /^unknown flag: --nri-opts$/],
  ];
  for (const [argv, json, message] of rows) {
    test([...argv, json].join(' '), () => assert.throws(() => load(argv, json), { message }));
  }

  test('what dockerd has and asks for nothing here is taken', () => {
    const file = {
      'storage-driver': 'overlay2',
      iptables: true,
      'ip-forward': true,
      ipv6: false,
      'userland-proxy': false,
      'selinux-enabled': false,
      'containerd-namespace': 'moby',
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      features: { buildkit: true, 'containerd-snapshotter': true },
      'nri-opts': { enable: false },
      proxies: { 'https-proxy': 'http://p', 'no-proxy': 'a' },
      'host-gateway-ip': '10.0.0.1',
      runtimes: { a: { path: '/b' } },
    };
    const settings = load(['--add-runtime', 'c=/d'], JSON.stringify(file));
    assert.deepEqual(Object.keys(settings.runtimes), ['a', 'c'], 'runtimes add up');
    assert.equal(settings['https-proxy'], 'http://p');
    assert.deepEqual(settings['host-gateway-ips'], ['10.0.0.1']);
  });

  test('a file that was named must exist', () => {
    const flags = parseFlags(['--config-file', join(directory, 'none')]);
    assert.throws(() => loadSettings(flags, environment), {
      message: /unable to configure the Docker daemon with file/,
    });
  });
});

describe('a reload', () => {
  test('takes what can change, and tells what waits for the next start', () => {
    const before = load([], '{"debug":true,"labels":["a=b"],"mtu":1400}');
    const { settings, waiting } = mergeReloaded(before, load([], '{"labels":["c=d"],"mtu":1300,"log-level":"warn"}'));
    assert.deepEqual(waiting, ['mtu']);
    assert.deepEqual(
      [settings.debug, settings['log-level'], settings.labels, settings.mtu],
      [false, 'warn', ['c=d'], 1400],
    );
  });

  test('is announced with what holds then, in dockerd’s words', () => {
    const settings = load([], '{"features":{"buildkit":true},"runtimes":{"a":{"path":"/b"},"c":{"path":"/d"}}}');
    const attributes = reloadAttributes(settings, 'crun');
    assert.equal(attributes.features, 'map[buildkit:true]');
    assert.equal(attributes.runtimes, 'a:/b c:/d');
    assert.equal(attributes['default-shm-size'], '67108864');
    assert.equal(attributes.labels, '[]');
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
