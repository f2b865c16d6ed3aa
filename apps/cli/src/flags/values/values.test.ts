import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCpus, parseDuration, parseSwapSize } from '../size.ts';
import { checkDnsSearch, checkEnv, checkExtraHost, checkIP, checkLink, checkStream, checkSysctl } from './checks.ts';
import {
  checkDeviceCgroupRule,
  isCdiDevice,
  parseBytesRate,
  parseDevice,
  parseGpus,
  parseIopsRate,
  parseUlimit,
  parseWeight,
} from './device.ts';
import { parseMount } from './mount.ts';
import { isMacAddress, isUserDefined, parseNetworkAttachment } from './network.ts';
import { parseExpose, parsePublished } from './port.ts';

/** Rows of input and result; a RegExp is an error's message. */
function check<T>(
  name: string,
  parse: (text: string) => T,
  rows: readonly (readonly [input: string, expected: unknown])[],
) {
  describe(name, () => {
    for (const [input, expected] of rows) {
      test(JSON.stringify(input), () => {
        if (expected instanceof RegExp) assert.throws(() => parse(input), expected);
        else assert.deepEqual(parse(input), expected);
      });
    }
  });
}

const bindings = (spec: string) => {
  const flat: string[] = [];
  for (const [port, list] of Object.entries(parsePublished([spec]).bindings)) {
    for (const { HostIp, HostPort } of list) flat.push(`${HostIp}|${HostPort}|${port}`);
  }
  return flat;
};

check('-p', bindings, [
  ['80', ['||80/tcp']],
  ['8080:80', ['|8080|80/tcp']],
  ['8080:80/UDP', ['|8080|80/udp']],
  ['127.0.0.1:8080:80', ['127.0.0.1|8080|80/tcp']],
  ['127.0.0.1::80', ['127.0.0.1||80/tcp']],
  ['[::1]:8080:80', ['::1|8080|80/tcp']],
  ['8000-8001:80-81', ['|8000|80/tcp', '|8001|81/tcp']],
  ['8000-8001:80', ['|8000-8001|80/tcp']],
  ['80-81', ['||80/tcp', '||81/tcp']],
  ['published=80,target=90,protocol=udp', ['|80|90/udp']],
  ['', /no port specified: <empty>/],
  ['abc', /invalid containerPort: abc/],
  ['99999', /invalid containerPort: 99999/],
  ['99999:80', /invalid hostPort: 99999/],
  ['80:80/foo', /invalid proto: foo/],
  ['1.2.3:80:80', /invalid IP address: 1\.2\.3/],
  ['1:2:3:4', /invalid IP address: 1:2/],
  ['8000-8002:80-81', /invalid ranges specified for container and host Ports: 80-81 and 8000-8002/],
  ['82-80', /invalid containerPort: 82-80/],
]);

check('--expose', parseExpose, [
  ['80', ['80/tcp']],
  ['90-91/UDP', ['90/udp', '91/udp']],
  ['foo', /invalid range format for --expose: foo, error: strconv.ParseUint: parsing "foo": invalid syntax/],
  ['1:2', /invalid port format for --expose: 1:2/],
]);

check('--mount', (text) => parseMount(text, '/work'), [
  ['type=bind,src=/a,dst=/b', { Type: 'bind', Source: '/a', Target: '/b' }],
  ['type=bind,src=./x/..,target=/b,ro', { Type: 'bind', Source: '/work', Target: '/b', ReadOnly: true }],
  ['source=v,destination=/b,readonly=false', { Type: 'volume', Source: 'v', Target: '/b', ReadOnly: false }],
  [
    'type=bind,src=/a,dst=/b,bind-propagation=RSHARED',
    { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { Propagation: 'rshared' } },
  ],
  [
    'type=bind,src=/a,dst=/b,bind-recursive=disabled',
    { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { NonRecursive: true } },
  ],
  [
    'dst=/b,volume-nocopy,volume-label=a=b,volume-opt=o=p',
    {
      Type: 'volume',
      Target: '/b',
      VolumeOptions: { NoCopy: true, Labels: { a: 'b' }, DriverConfig: { Name: '', Options: { o: 'p' } } },
    },
  ],
  [
    'dst=/b,"volume-opt=o=a,b"',
    { Type: 'volume', Target: '/b', VolumeOptions: { DriverConfig: { Name: '', Options: { o: 'a,b' } } } },
  ],
  [
    'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770',
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1770 } },
  ],
  [
    'type=image,src=i,dst=/t,image-subpath=x',
    { Type: 'image', Source: 'i', Target: '/t', ImageOptions: { Subpath: 'x' } },
  ],
  ['type=bind', /target is required/],
  ['type=,dst=/b', /type is required/],
  ['type=bind,foo', /invalid field 'foo' must be a key=value pair/],
  ['foo=bar,dst=/b', /unexpected key 'foo' in 'foo=bar'/],
  ['type=tmpfs,dst=/b,volume-nocopy', /cannot mix 'volume-\*' options with mount type 'tmpfs'/],
  ['dst=/b,tmpfs-mode=9', /invalid value for tmpfs-mode: 9/],
  ['dst=/b,ro=maybe', /invalid value for ro: maybe/],
  ['type=bind,src=/a,dst=/b,bind-recursive=readonly,ro', /requires 'bind-propagation=rprivate'/],
  ['type=bind,"a', /extraneous or missing " in quoted-field/],
]);

const attachment = {
  aliases: [],
  links: [],
  driverOpts: {},
  ipv4: '',
  ipv6: '',
  linkLocalIPs: [],
  macAddress: '',
  gwPriority: 0,
};
check('--network', parseNetworkAttachment, [
  ['net', { ...attachment, target: 'net' }],
  ['container:x', { ...attachment, target: 'container:x' }],
  [
    'name=n,alias=a,alias=b,ip=1.2.3.4,driver-opt=K=v,gw-priority=-5',
    { ...attachment, target: 'n', aliases: ['a', 'b'], ipv4: '1.2.3.4', driverOpts: { k: 'v' }, gwPriority: -5 },
  ],
  ['alias=a', /network name\/id is not specified/],
  ['name=n,foo=b', /invalid field key foo/],
  ['name=n,mac-address=zz', /zz is not a valid mac address/],
]);

check(
  '--device',
  (text) =>
    parseDevice(text, () => ['/dev/a1', '/dev/a2']).map(
      (d) => `${d.PathOnHost}|${d.PathInContainer}|${d.CgroupPermissions}`,
    ),
  [
    ['/dev/x', ['/dev/x|/dev/x|rwm']],
    ['/dev/x:r', ['/dev/x|/dev/x|r']],
    ['/dev/x:/dev/y', ['/dev/x|/dev/y|rwm']],
    ['/dev/x:/dev/y:rw', ['/dev/x|/dev/y|rw']],
    ['/dev/a*', ['/dev/a1|/dev/a1|rwm', '/dev/a2|/dev/a2|rwm']],
    ['x', /x is not an absolute path/],
    ['/dev/x:/dev/y:rr', /bad mode specified: rr/],
    ['/a:/b:r:w', /bad format for path/],
  ],
);

check('CDI devices', isCdiDevice, [
  ['vendor.com/class=name', true],
  ['/dev/x', false],
]);

check('--device-cgroup-rule', checkDeviceCgroupRule, [
  ['c 188:* rwm', 'c 188:* rwm'],
  ['x', /invalid device cgroup format 'x'/],
]);
check('--device-read-bps', parseBytesRate, [
  ['/dev/a:1mb', { Path: '/dev/a', Rate: 1048576 }],
  ['x', /bad format: x/],
  ['a:1', /bad format for device path: a:1/],
  ['/dev/a:x', /invalid rate for device/],
]);
check('--device-read-iops', parseIopsRate, [
  ['/dev/a:10', { Path: '/dev/a', Rate: 10 }],
  ['/dev/a:1k', /invalid rate for device/],
]);
check('--blkio-weight-device', parseWeight, [
  ['/dev/a:500', { Path: '/dev/a', Weight: 500 }],
  ['/dev/a:5', /invalid weight for device/],
]);
check('--ulimit', parseUlimit, [
  ['nofile=1:2', { Name: 'nofile', Soft: 1, Hard: 2 }],
  ['core=-1', { Name: 'core', Soft: -1, Hard: -1 }],
  ['foo', /invalid ulimit argument: foo/],
  ['foo=1', /invalid ulimit type: foo/],
  ['nofile=5:3', /ulimit soft limit must be less than or equal to hard limit: 5 > 3/],
  ['nofile=-1:3', /less than or equal to hard limit/],
]);
const gpu = { Driver: '', Count: 0, DeviceIDs: null, Capabilities: [['gpu']], Options: {} };
check('--gpus', parseGpus, [
  ['all', { ...gpu, Count: -1 }],
  ['2', { ...gpu, Count: 2 }],
  ['"device=1,2"', { ...gpu, DeviceIDs: ['1', '2'] }],
  ['driver=nvidia', { ...gpu, Driver: 'nvidia', Count: 1 }],
  ['x', /invalid count \(x\): value must be either "all" or an integer: invalid syntax/],
]);

check('--add-host', checkExtraHost, [
  ['a:1.2.3.4', 'a:1.2.3.4'],
  ['a=::1', 'a:::1'],
  ['a:[::1]', 'a:::1'],
  ['a:host-gateway', 'a:host-gateway'],
  ['x', /bad format for add-host: "x"/],
  ['a:b', /invalid IP address in add-host: "b"/],
]);
check('--dns', checkIP, [
  ['1.1.1.1', '1.1.1.1'],
  ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ['1.1.1.256', /IP address is not correctly formatted: 1\.1\.1\.256/],
  ['1::2::3', /not correctly formatted/],
]);
check('--dns-search', checkDnsSearch, [
  ['.', '.'],
  ['a.b', 'a.b'],
  ['a..b', /a\.\.b is not a valid domain/],
]);
check('--link', checkLink, [
  ['a:b', 'a:b'],
  ['a:b:c', /bad format for links: a:b:c/],
]);
check('--attach', checkStream, [
  ['STDIN', 'stdin'],
  ['foo', /valid streams are STDIN, STDOUT and STDERR/],
]);
check('--env', checkEnv, [
  ['A', 'A'],
  ['=x', /invalid environment variable: =x/],
]);
check('--sysctl', checkSysctl, [
  ['net.ipv4.ip_forward=1', 'net.ipv4.ip_forward=1'],
  ['kernel.hostname=x', /sysctl 'kernel.hostname=x' is not allowed/],
]);
check('--cpus', parseCpus, [
  ['1.5', 1_500_000_000],
  ['.5', 500_000_000],
  ['0.000000001', 1],
  ['x', /failed to parse x as a rational number/],
  ['0.0000000001', /value is too precise/],
]);
check('--memory-swap', parseSwapSize, [
  ['-1', -1],
  ['2GiB', 2 ** 31],
]);
check('durations', parseDuration, [
  ['1m30s', 90e9],
  ['5', /time: missing unit in duration "5"/],
]);
check('MAC addresses', isMacAddress, [
  ['02:42:ac:11:00:02', true],
  ['02-42-ac-11-00-02', true],
  ['0242.ac11.0002', true],
  ['02:42:ac:11:00', false],
]);
check('networks of one’s own', isUserDefined, [
  ['app', true],
  ['bridge', false],
  ['container:x', false],
]);
