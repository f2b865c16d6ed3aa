import { text } from '@wharf/base/decode';
import {
  booleanOption,
  choiceOption,
  integerOption,
  listOption,
  listsOption,
  mapOption,
  type Option,
  textOption,
} from './option.ts';
import { parseInsecureRegistry, parseMirror, parsePrefixMirror } from './registry-settings.ts';
import {
  addressPoolsOption,
  bytesOption,
  featuresOption,
  networkOptionsOption,
  runtimesOption,
  ulimitsOption,
} from './structured-options.ts';
import { unsupportedOptions } from './unsupported-options.ts';

const defaultRegistryAddress = '127.0.0.1:5000';

/** The flag may stand alone. */
function registryAddress(value: string): string {
  if (value === 'true') return defaultRegistryAddress;
  return value === 'false' ? '' : value;
}

/** Every setting that wharfd knows, by its key in daemon.json. dockerd's names, where dockerd has the setting. */
export const options = {
  ...unsupportedOptions,
  'authorization-plugins': listOption('Authorization plugin that each request has to pass', {
    flag: 'authorization-plugin',
  }),
  bip: textOption("The default bridge's address and subnet", ''),
  bip6: textOption("The default bridge's IPv6 address and subnet, where it has IPv6", ''),
  bridge: textOption('Attach containers to this bridge; "none" makes none', '', { short: 'b' }),
  'cgroup-parent': textOption('Parent cgroup of all containers', ''),
  'cgroup-fix': booleanOption('On a hybrid cgroup host, move controllers left on v2 to v1, as crun needs', true),
  'data-root': textOption('Directory of durable state', '/var/lib/wharf'),
  debug: booleanOption('Log debug messages', false, { short: 'D' }),
  'default-address-pools': addressPoolsOption,
  'default-cgroupns-mode': choiceOption('Cgroup namespace of containers that say nothing', ['', 'host', 'private'], ''),
  // File only: the init that is looked for where no `init-path` is given.
  'default-init': { ...textOption('Name of the default init program', ''), fileOnly: true },
  'default-gateway': textOption("The default bridge's IPv4 gateway", ''),
  'default-gateway-v6': textOption("The default bridge's IPv6 gateway", ''),
  'default-network-opts': networkOptionsOption,
  'default-ipc-mode': choiceOption('IPC mode of containers that say nothing', ['private', 'shareable'], 'private'),
  'default-runtime': textOption('OCI runtime of containers that name none', ''),
  'default-shm-size': bytesOption('Size of /dev/shm', 64 * 1024 * 1024),
  'default-stop-timeout': integerOption('Seconds that a container has to stop', 10),
  'default-ulimits': ulimitsOption,
  dns: listOption('DNS server for containers'),
  'dns-opts': listOption('DNS option for containers', { flag: 'dns-opt' }),
  'dns-search': listOption('DNS search domain for containers'),
  'exec-opts': listOption('Runtime option: native.cgroupdriver=cgroupfs', { flag: 'exec-opt' }),
  'exec-root': textOption('Directory of state that a reboot may lose', '/run/wharf'),
  experimental: booleanOption('Enable experimental features', false),
  features: featuresOption,
  'fixed-cidr': textOption('Part of the subnet that the default bridge gives addresses from', ''),
  'fixed-cidr-v6': textOption('Part of the IPv6 subnet that the default bridge gives addresses from', ''),
  group: textOption('Group of the unix socket', 'docker', { short: 'G' }),
  hosts: listOption('Where to listen: unix://, tcp://, fd://', { flag: 'host', short: 'H' }),
  'host-gateway-ips': listOption('What host-gateway stands for in --add-host', { flag: 'host-gateway-ip' }),
  'http-proxy': textOption('HTTP proxy of the daemon, before that of the environment', ''),
  'https-proxy': textOption('HTTPS proxy of the daemon, before that of the environment', ''),
  icc: booleanOption('Let containers on the default bridge reach each other', true),
  init: booleanOption('Run an init in each container that does not say otherwise', false),
  'init-path': textOption('The init program', ''),
  'insecure-registries': listOption(
    'Registry reached without TLS',
    { flag: 'insecure-registry' },
    parseInsecureRegistry,
  ),
  ip: textOption('Address that ports are published on when none is named', '0.0.0.0'),
  'ip-masq': booleanOption("Masquerade the default bridge's traffic", true),
  ipv6: booleanOption('Give the default bridge IPv6: fixed-cidr-v6, or a subnet of its own', false),
  labels: listOption('key=value label of this daemon', { flag: 'label' }),
  'live-restore': booleanOption('Leave containers running when the daemon stops', false),
  'log-driver': choiceOption(
    'Log driver of containers that name none',
    ['fluentd', 'gelf', 'journald', 'json-file', 'local', 'none', 'syslog'],
    'json-file',
  ),
  'log-format': choiceOption("Format of the daemon's own log", ['text', 'json'], 'text'),
  'log-level': choiceOption(
    "Least level of the daemon's own log",
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    {
      short: 'l',
    },
  ),
  'log-opts': mapOption('Log driver option', { flag: 'log-opt' }),
  'max-concurrent-downloads': integerOption('Layers that a pull fetches at once', 3),
  'max-concurrent-uploads': integerOption('Layers that a push sends at once', 5),
  'max-download-attempts': integerOption('Attempts that a pull makes for a layer', 5),
  'metrics-addr': textOption('Where to serve metrics to Prometheus: host:port', ''),
  'min-api-version': textOption('Oldest API version to serve', '1.24'),
  mtu: integerOption("The default bridge's MTU", 1500),
  'no-new-privileges': booleanOption('Set no-new-privileges for containers that do not say otherwise', false),
  'no-proxy': textOption('Hosts reached without a proxy', ''),
  pidfile: textOption('Where the process id is written; default wharfd.pid in the exec root', '', { short: 'p' }),
  'raw-logs': booleanOption("Never colour the daemon's own log", false),
  registry: {
    help: 'Serve a registry of our own too: --registry, or --registry=host:port',
    fallback: '',
    fromFlag: registryAddress,
    fromFile: (value, path) => registryAddress(typeof value === 'boolean' ? String(value) : text(value, path)),
  } satisfies Option<string>,
  'registry-config': textOption("The registry's own configuration file", '', { argument: 'path' }),
  'registry-hosts-dir': textOption(
    'Directory of hosts.toml and certificates by registry, before /etc/wharf/certs.d and /etc/docker/certs.d',
    '',
    { argument: 'path' },
  ),
  'registry-prefix-mirrors': listsOption(
    'Where images with this prefix of their name are looked for first: prefix=url',
    {
      flag: 'registry-prefix-mirror',
    },
    parsePrefixMirror,
  ),
  'registry-mirrors': listOption('Mirror of the default registry', { flag: 'registry-mirror' }, parseMirror),
  'resolv-conf': textOption('The host’s resolv.conf, for containers', '', { argument: 'path' }),
  runtimes: runtimesOption,
  'seccomp-profile': textOption('Seccomp profile: a path, builtin or unconfined', ''),
  'storage-opts': listOption('Storage driver option: overlay2.size=SIZE, of each container that says no other', {
    flag: 'storage-opt',
  }),
  'shutdown-timeout': integerOption('Seconds that all containers together have to stop', 15),
  tls: booleanOption('Use TLS on tcp; implied by --tlsverify', false),
  tlscacert: textOption('Certificates of authorities whose clients are trusted', '', { argument: 'path' }),
  tlscert: textOption('TLS certificate', '', { argument: 'path' }),
  tlskey: textOption('TLS key', '', { argument: 'path' }),
  tlsverify: booleanOption('Use TLS and demand client certificates', false),
  'userns-remap': textOption('User whose subordinate ids users of containers are: default, user or user:group', ''),
} as const satisfies Record<string, object>;

export type SettingName = keyof typeof options;
export type Settings = {
  readonly [K in SettingName]: (typeof options)[K] extends Option<infer T> ? T : never;
};
