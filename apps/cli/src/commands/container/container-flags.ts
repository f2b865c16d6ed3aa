import { bool, int, list, parsed, parsedList, text } from '../../flags/flag.ts';
import { checkLabel } from '../../flags/key-values.ts';
import { parseCpus, parseDuration, parseSize, parseSwapSize } from '../../flags/size.ts';
import {
  checkDnsSearch,
  checkEnv,
  checkExtraHost,
  checkIP,
  checkLink,
  checkStream,
  checkSysctl,
} from '../../flags/values/checks.ts';
import {
  checkDeviceCgroupRule,
  parseBytesRate,
  parseGpus,
  parseIopsRate,
  parseUlimit,
  parseWeight,
} from '../../flags/values/device.ts';
import { parseMount } from '../../flags/values/mount.ts';
import { parseNetworkAttachment } from '../../flags/values/network.ts';

const bytes = (help: string) => parsed(help, 'bytes', 0, parseSize, { complete: 'none' });
const swap = (help: string) => parsed(help, 'bytes', 0, parseSwapSize, { complete: 'none' });
const time = (help: string) => parsed(help, 'duration', 0, parseDuration, { complete: 'none', shown: '0s' });
const modes = (...values: string[]) => ({ complete: values });

/** What a container can be made with: shared by `run` and `create`. */
export const containerFlags = {
  'add-host': list('Add a name to /etc/hosts (host:ip)', { check: checkExtraHost, complete: 'none' }),
  annotation: list('Set an annotation for the OCI runtime (key=value)', {
    since: 43,
    kind: 'map',
    shown: 'map[]',
    complete: 'none',
  }),
  attach: list('Attach to STDIN, STDOUT or STDERR', {
    short: 'a',
    check: checkStream,
    ...modes('stdin', 'stdout', 'stderr'),
  }),
  'blkio-weight': int('Relative share of block I/O, 10 to 1000; 0 for none', { kind: 'uint16', shown: '0' }),
  'blkio-weight-device': parsedList("Relative share of one device's I/O (/dev/x:weight)", 'list', parseWeight, {
    shown: '[]',
  }),
  'cap-add': list('Add a Linux capability', { complete: 'none' }),
  'cap-drop': list('Drop a Linux capability', { complete: 'none' }),
  'cgroup-parent': text("Cgroup to put the container's under"),
  cgroupns: text(`Cgroup namespace: "host", "private" or the daemon's default`, modes('host', 'private')),
  cidfile: text("Write the container's id to this file", { complete: 'file' }),
  'cpu-count': int('CPU count (Windows only)', { hidden: true }),
  'cpu-percent': int('CPU percent (Windows only)', { hidden: true }),
  'cpu-period': int('Length of a CPU period, in microseconds'),
  'cpu-quota': int('CPU time in each period, in microseconds'),
  'cpu-rt-period': int('Length of a real-time period, in microseconds'),
  'cpu-rt-runtime': int('Real-time CPU time in each period, in microseconds'),
  'cpu-shares': int('Relative share of CPU time', { short: 'c' }),
  cpus: parsed('Number of CPUs', 'decimal', 0, parseCpus, { complete: 'none' }),
  'cpuset-cpus': text('CPUs that may run it (0-3, 0,1)', { complete: 'none' }),
  'cpuset-mems': text('Memory nodes that it may use (0-3, 0,1)', { complete: 'none' }),
  device: list('Give access to a device of the host (/dev/x[:/dev/y][:rwm])', { complete: 'file' }),
  'device-cgroup-rule': list('Allow a class of devices (e.g. "c 188:* rwm")', {
    check: checkDeviceCgroupRule,
    complete: 'none',
  }),
  'device-read-bps': parsedList('Bytes a second read from a device (/dev/x:1mb)', 'list', parseBytesRate, {
    shown: '[]',
  }),
  'device-read-iops': parsedList('Reads a second from a device (/dev/x:1000)', 'list', parseIopsRate, { shown: '[]' }),
  'device-write-bps': parsedList('Bytes a second written to a device', 'list', parseBytesRate, { shown: '[]' }),
  'device-write-iops': parsedList('Writes a second to a device', 'list', parseIopsRate, { shown: '[]' }),
  dns: list('DNS server to ask', { check: checkIP, complete: 'none' }),
  'dns-opt': list('Option of resolv.conf', { hidden: true }),
  'dns-option': list('Option of resolv.conf', { complete: 'none' }),
  'dns-search': list('Domain to search names in', { check: checkDnsSearch, complete: 'none' }),
  domainname: text('NIS domain name of the container', { complete: 'none' }),
  entrypoint: text("Program to run instead of the image's entrypoint", { complete: 'none' }),
  env: list('Set an environment variable (NAME=value, or NAME to pass it on)', {
    short: 'e',
    check: checkEnv,
    complete: 'environment',
  }),
  'env-file': list('Read environment variables from a file', { complete: 'file' }),
  expose: list('Mark a port or a range of ports as used', { complete: 'none' }),
  gpus: parsedList("GPUs to give access to ('all' for every one)", 'gpu-request', parseGpus, { complete: ['all'] }),
  'group-add': list('Further group to run as', { complete: 'none' }),
  'health-cmd': text('Command that tells whether it is healthy', { complete: 'none' }),
  'health-interval': time('Time between two checks (ms|s|m|h)'),
  'health-retries': int('Failed checks in a row until it counts as unhealthy', { complete: 'none' }),
  'health-start-interval': { ...time('Time between two checks while it starts (ms|s|m|h)'), since: 44 },
  'health-start-period': time('Time to start in which failed checks do not count (ms|s|m|h)'),
  'health-timeout': time('Longest time a check may take (ms|s|m|h)'),
  hostname: text('Host name inside the container', { short: 'h', complete: 'none' }),
  init: bool('Run an init that forwards signals and reaps processes'),
  interactive: bool('Keep standard input open', { short: 'i' }),
  'io-maxbandwidth': parsed('Bandwidth of the system drive (Windows only)', 'bytes', 0, parseSize, { hidden: true }),
  'io-maxiops': int('I/O operations of the system drive (Windows only)', { kind: 'uint', hidden: true }),
  ip: text('IPv4 address (e.g. 172.30.100.104)', { complete: 'none' }),
  ip6: text('IPv6 address (e.g. 2001:db8::33)', { complete: 'none' }),
  ipc: text(
    'IPC namespace: "none", "private", "shareable", "host" or "container:NAME"',
    modes('none', 'private', 'shareable', 'host', 'container:'),
  ),
  isolation: text('Isolation technology', { complete: ['default'] }),
  'kernel-memory': parsed('Kernel memory limit (no longer supported by kernels)', 'bytes', 0, parseSize, {
    hidden: true,
  }),
  label: list('Set a label (key=value)', { short: 'l', check: checkLabel, complete: 'none' }),
  'label-file': list('Read labels from a file', { complete: 'file' }),
  link: list("Reach another container by a name of one's own (container[:alias])", {
    check: checkLink,
    complete: 'container',
  }),
  'link-local-ip': list('Link-local address', { check: checkIP, complete: 'none' }),
  'log-driver': text('Where the output goes', { complete: ['json-file', 'local', 'none'] }),
  'log-opt': list('Option of the log driver (key=value)', { complete: 'none' }),
  'mac-address': text('MAC address (e.g. 92:d0:c6:0a:29:33)', { complete: 'none' }),
  memory: parsed('Memory limit', 'bytes', 0, parseSize, { short: 'm', complete: 'none' }),
  'memory-reservation': bytes('Memory that it gets when the host runs short'),
  'memory-swap': swap("Limit of memory and swap together; '-1' for unlimited swap"),
  'memory-swappiness': int('How readily its memory is swapped, 0 to 100', { initial: -1 }),
  mount: parsedList(
    'Attach a mount (type=bind|volume|tmpfs|image,src=...,dst=...)',
    'mount',
    (value) => parseMount(value, process.cwd()),
    { complete: 'none' },
  ),
  net: parsedList('Connect it to a network', 'network', parseNetworkAttachment, { hidden: true }),
  'net-alias': list('Further name on the network', { hidden: true }),
  network: parsedList(
    'Connect it to a network (NAME, or name=...,alias=...,ip=...)',
    'network',
    parseNetworkAttachment,
    { complete: 'network' },
  ),
  'network-alias': list('Further name on the network', { complete: 'none' }),
  'no-healthcheck': bool("Turn the image's health check off"),
  'oom-kill-disable': bool('Never kill it for lack of memory'),
  'oom-score-adj': int('How readily it is killed for lack of memory, -1000 to 1000'),
  pid: text('PID namespace: "host" or "container:NAME"', modes('host', 'container:')),
  'pids-limit': int('Most processes it may have; -1 for any number'),
  privileged: bool('Give all capabilities and devices, and lift the sandbox'),
  publish: list('Publish a port ([ip:][host:]container[/protocol])', { short: 'p', complete: 'none' }),
  'publish-all': bool('Publish every exposed port at a free one of the host', { short: 'P' }),
  'read-only': bool('Mount its root file system read-only'),
  restart: text('When to start it again: "no", "on-failure[:n]", "always" or "unless-stopped"', {
    initial: 'no',
    ...modes('no', 'always', 'on-failure', 'unless-stopped'),
  }),
  rm: bool('Remove it and its anonymous volumes when it has stopped'),
  runtime: text('OCI runtime to use', { complete: 'none' }),
  'security-opt': list(
    'Security option (seccomp=..., no-new-privileges, apparmor=..., label=..., systempaths=unconfined)',
    {
      complete: [
        'no-new-privileges',
        'seccomp=unconfined',
        'systempaths=unconfined',
        'apparmor=unconfined',
        'label=disable',
      ],
    },
  ),
  'shm-size': bytes('Size of /dev/shm'),
  'stop-signal': text('Signal that stops it', { complete: 'none' }),
  'stop-timeout': int('Seconds to wait for it to stop before it is killed', { complete: 'none' }),
  'storage-opt': list('Option of the storage driver (key=value)', { complete: 'none' }),
  sysctl: list('Set a kernel parameter of its namespaces (name=value)', {
    kind: 'map',
    shown: 'map[]',
    check: checkSysctl,
    complete: 'none',
  }),
  tmpfs: list('Mount a tmpfs (/path[:options])', { complete: 'none' }),
  tty: bool('Give it a terminal', { short: 't' }),
  ulimit: parsedList('Set a limit (nofile=soft[:hard])', 'ulimit', parseUlimit, { shown: '[]', complete: 'none' }),
  'use-api-socket': bool('Give it the API socket and the credentials that go with it'),
  user: text('User to run as (name|uid[:group|gid])', { short: 'u', complete: 'none' }),
  userns: text('User namespace: "host" or the daemon\'s', modes('host')),
  uts: text('UTS namespace: "host" or its own', modes('host')),
  volume: list('Mount a volume or a path of the host ([source:]target[:options])', { short: 'v', complete: 'volume' }),
  'volume-driver': text('Driver of volumes that are created'),
  'volumes-from': list("Mount another container's volumes (NAME[:ro])", { complete: 'container' }),
  workdir: text('Working directory inside the container', { short: 'w', complete: 'none' }),
} as const;

/** What decides how `run` and `create` get the container, not what it is. */
export const createFlags = {
  help: bool('Print this text'),
  name: text('Name of the container', { complete: 'none' }),
  platform: text('Platform to choose of an image that has several (os/arch)', { complete: 'platform' }),
  pull: text('When to pull the image: "always", "missing" or "never"', {
    initial: 'missing',
    ...modes('always', 'missing', 'never'),
  }),
  quiet: bool('Say nothing while pulling', { short: 'q' }),
  'disable-content-trust': bool('Skip the check of signatures', { initial: true, hidden: true }),
} as const;
