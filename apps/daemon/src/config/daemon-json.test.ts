import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadSettings } from './config.ts';
import { parseFlags } from './flags.ts';
import type { Settings } from './options.ts';
import { optionsTable } from './options-table.ts';
import { environment } from './test-environment.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-daemon-json-'));
const file = join(directory, 'daemon.json');
after(() => rmSync(directory, { recursive: true }));

function load(key: string, value: unknown): Settings {
  writeFileSync(file, JSON.stringify({ [key]: value }));
  return loadSettings(parseFlags(['--config-file', file]), environment);
}

const taken = Symbol('taken as it is');
const refused = Symbol('refused by name');

/** Every key of dockerd's daemon.json: a value that is not the default, and what becomes of it. */
const keys: [key: string, value: unknown, becomes: unknown][] = [
  ['allow-direct-routing', true, refused],
  ['authorization-plugins', ['a'], taken],
  ['bip', '10.1.0.1/24', taken],
  ['bip6', 'fd00::1/64', taken],
  ['bridge', 'none', taken],
  ['bridge-accept-fwmark', '0x1', refused],
  ['builder', { gc: { enabled: true } }, refused],
  ['cdi-spec-dirs', ['/etc/cdi'], refused],
  ['cgroup-parent', '/a', taken],
  ['containerd', '/run/c.sock', refused],
  ['containerd-namespace', 'mine', refused],
  ['containerd-plugin-namespace', 'mine', refused],
  ['cpu-rt-period', 1, refused],
  ['cpu-rt-runtime', 1, refused],
  ['cri-containerd', true, refused],
  ['data-root', '/a', taken],
  ['debug', true, taken],
  ['default-address-pools', [{ base: '10.0.0.0/8', size: 24 }], taken],
  ['default-cgroupns-mode', 'host', taken],
  ['default-gateway', '10.1.0.9', taken],
  ['default-gateway-v6', 'fd00::9', taken],
  ['default-init', 'tini', taken],
  ['default-ipc-mode', 'shareable', taken],
  ['default-network-opts', { bridge: { 'com.docker.network.driver.mtu': '1400' } }, taken],
  ['default-runtime', 'runc', taken],
  ['default-shm-size', '1g', 2 ** 30],
  ['default-stop-timeout', 3, taken],
  ['default-ulimits', { nofile: { Name: 'nofile', Soft: 1, Hard: 2 } }, [{ Name: 'nofile', Soft: 1, Hard: 2 }]],
  ['dns', ['1.1.1.1'], taken],
  ['dns-opts', ['ndots:2'], taken],
  ['dns-search', ['example.com'], taken],
  ['exec-opts', ['native.cgroupdriver=systemd'], refused],
  ['exec-root', '/a', taken],
  ['experimental', true, taken],
  ['features', { cdi: true }, refused],
  ['firewall-backend', 'iptables', refused],
  ['fixed-cidr', '10.1.0.0/25', taken],
  ['fixed-cidr-v6', 'fd00::/64', taken],
  ['group', 'wheel', taken],
  ['host-gateway-ip', '10.0.0.1', { 'host-gateway-ips': ['10.0.0.1'] }],
  ['host-gateway-ips', ['10.0.0.1', 'fd00::1'], taken],
  ['hosts', ['unix:///a'], taken],
  ['http-proxy', 'http://a', taken],
  ['https-proxy', 'http://a', taken],
  ['icc', false, taken],
  ['init', true, taken],
  ['init-path', '/a', taken],
  ['insecure-registries', ['a:1'], taken],
  ['ip', '127.0.0.1', taken],
  ['ip-forward', false, refused],
  ['ip-forward-no-drop', true, taken],
  ['ip-masq', false, taken],
  ['ip6tables', false, refused],
  ['iptables', false, refused],
  ['ipv6', true, taken],
  ['labels', ['a=b'], taken],
  ['live-restore', true, taken],
  ['log-driver', 'local', taken],
  ['log-format', 'json', taken],
  ['log-level', 'warn', taken],
  ['log-opts', { 'max-size': '1m' }, taken],
  ['max-concurrent-downloads', 7, taken],
  ['max-concurrent-uploads', 7, taken],
  ['max-download-attempts', 7, taken],
  ['metrics-addr', '127.0.0.1:9323', taken],
  ['min-api-version', '1.40', taken],
  ['mtu', 1400, taken],
  ['network-control-plane-mtu', 1400, refused],
  ['network-diagnostic-port', 2000, refused],
  ['no-new-privileges', true, taken],
  ['no-proxy', 'a', taken],
  ['node-generic-resources', ['gpu=1'], refused],
  ['nri-opts', { enable: true }, refused],
  ['pidfile', '/a', taken],
  ['proxies', { 'no-proxy': 'a' }, { 'no-proxy': 'a' }],
  ['raw-logs', true, taken],
  ['registry-mirrors', ['https://a/'], taken],
  ['resolv-conf', '/a', taken],
  ['rootless', true, refused],
  ['runtimes', { a: { path: '/b' } }, { a: { path: '/b', runtimeArgs: [] } }],
  ['seccomp-profile', 'unconfined', taken],
  ['selinux-enabled', true, refused],
  ['shutdown-timeout', 3, taken],
  ['storage-driver', 'btrfs', refused],
  ['storage-opts', ['overlay2.size=1G'], taken],
  ['swarm-default-advertise-addr', 'eth0', refused],
  ['swarm-raft-election-tick', 3, refused],
  ['swarm-raft-heartbeat-tick', 3, refused],
  ['tls', true, taken],
  ['tlscacert', '/a', taken],
  ['tlscert', '/a', taken],
  ['tlskey', '/a', taken],
  ['tlsverify', true, taken],
  ['userland-proxy', false, taken],
  ['userland-proxy-path', '/a', refused],
  ['userns-remap', 'default', taken],
];

describe('daemon.json', () => {
  for (const [key, value, becomes] of keys) {
    if (becomes === refused) {
      test(`${key} is refused by name`, () => {
        assert.throws(
          () => load(key, value),
          (error: Error) => error.message.includes(key),
        );
      });
      continue;
    }
    test(`${key} is taken`, () => {
      const settings = load(key, value) as unknown as Record<string, unknown>;
      if (key in settings) assert.deepEqual(settings[key], becomes === taken ? value : becomes);
      else for (const [name, part] of Object.entries(becomes as object)) assert.deepEqual(settings[name], part);
    });
  }

  test('is documented key by key', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/configuration.md'), 'utf8');
    assert.ok(page.includes(optionsTable()), `docs/configuration.md has another table than this:\n${optionsTable()}`);
  });
});
