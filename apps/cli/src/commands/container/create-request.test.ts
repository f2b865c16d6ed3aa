import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFlags } from '../../flags/parse.ts';
import { createTestCli } from '../../test-cli.ts';
import { containerFlags } from './container-flags.ts';
import { createRequest } from './create-request.ts';

async function request(line: string) {
  const { cli } = createTestCli({ lookup: (name) => (name === 'FOO' ? 'foo' : undefined) });
  const { values, positional } = parseFlags(containerFlags, line.split(' ').filter(Boolean), { interspersed: false });
  const [image = '', ...args] = positional;
  return createRequest(cli, values, image, args);
}

describe('what run and create send', () => {
  const rows: [line: string, expected: object][] = [
    [
      'app',
      {
        Image: 'app',
        Cmd: null,
        Entrypoint: null,
        AttachStdout: true,
        AttachStdin: false,
        HostConfig: { NetworkMode: 'default', MemorySwappiness: -1 },
      },
    ],
    ['app a --b', { Cmd: ['a', '--b'] }],
    ['-i app', { OpenStdin: true, AttachStdin: true, StdinOnce: true }],
    ['-a stderr app', { AttachStdout: false, AttachStderr: true }],
    ['--entrypoint= app', { Entrypoint: [''] }],
    ['--entrypoint x app', { Entrypoint: ['x'] }],
    ['-e A=1 -e FOO -e NOPE app', { Env: ['A=1', 'FOO=foo', 'NOPE'] }],
    ['-v /a:/b -v v:/c:ro -v /d app', { Volumes: { '/d': {} }, HostConfig: { Binds: ['/a:/b', 'v:/c:ro'] } }],
    [
      '-p 8080:80 --expose 90 app',
      {
        ExposedPorts: { '80/tcp': {}, '90/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } },
      },
    ],
    [
      '-m 1g --memory-swap -1 --cpus 1.5 --pids-limit 9 app',
      { HostConfig: { Memory: 2 ** 30, MemorySwap: -1, NanoCpus: 1.5e9, PidsLimit: 9 } },
    ],
    ['--cap-add net_admin --cap-drop all app', { HostConfig: { CapAdd: ['CAP_NET_ADMIN'], CapDrop: ['ALL'] } }],
    [
      '--security-opt systempaths=unconfined --security-opt label:disable app',
      { HostConfig: { SecurityOpt: ['label:disable'], MaskedPaths: [], ReadonlyPaths: [] } },
    ],
    ['--restart on-failure:3 app', { HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } } }],
    ['--health-cmd x --health-interval 1s app', { Healthcheck: { Test: ['CMD-SHELL', 'x'], Interval: 1e9 } }],
    ['--no-healthcheck app', { Healthcheck: { Test: ['NONE'] } }],
    ['--tmpfs /a --tmpfs /b:size=1m app', { HostConfig: { Tmpfs: { '/a': '', '/b': 'size=1m' } } }],
    ['--network host app', { HostConfig: { NetworkMode: 'host' }, NetworkingConfig: { EndpointsConfig: {} } }],
    [
      '--network n --ip 1.2.3.4 --network-alias a app',
      {
        HostConfig: { NetworkMode: 'n' },
        NetworkingConfig: { EndpointsConfig: { n: { Aliases: ['a'], IPAMConfig: { IPv4Address: '1.2.3.4' } } } },
      },
    ],
    [
      '--network n --network name=m,mac-address=02:42:ac:11:00:02 app',
      { NetworkingConfig: { EndpointsConfig: { n: {}, m: { MacAddress: '02:42:ac:11:00:02' } } } },
    ],
    [
      '--ip 1.2.3.4 app',
      { NetworkingConfig: { EndpointsConfig: { default: { IPAMConfig: { IPv4Address: '1.2.3.4' } } } } },
    ],
    [
      '--stop-timeout 0 --stop-signal INT --init=false app',
      { StopTimeout: 0, StopSignal: 'INT', HostConfig: { Init: false } },
    ],
    [
      '--ulimit nproc=3 --ulimit core=1 --ulimit core=2 app',
      {
        HostConfig: {
          Ulimits: [
            { Name: 'core', Soft: 2, Hard: 2 },
            { Name: 'nproc', Soft: 3, Hard: 3 },
          ],
        },
      },
    ],
    [
      '--device vendor.com/class=x app',
      {
        HostConfig: {
          Devices: [],
          DeviceRequests: [
            { Driver: 'cdi', Count: 0, DeviceIDs: ['vendor.com/class=x'], Capabilities: null, Options: {} },
          ],
        },
      },
    ],
  ];
  for (const [line, expected] of rows) {
    test(line, async () => assertContains(await request(line), expected));
  }
});

describe('what run and create refuse', () => {
  const rows: [line: string, message: RegExp][] = [
    ['--use-api-socket app', /--use-api-socket is not supported by wharf yet/],
    ['--cpu-count 1 app', /"--cpu-count" is only supported on a Docker daemon running on windows/],
    ['--rm --restart always app', /conflicting options: cannot specify both --restart and --rm/],
    ['--memory-swappiness 200 app', /invalid value: 200. Valid memory swappiness range is 0-100/],
    ['--pid x app', /--pid: invalid PID mode/],
    ['--userns x app', /--userns: invalid USER mode/],
    ['--mac-address x app', /x is not a valid mac address/],
    ['--log-driver none --log-opt a=b app', /invalid logging opts for driver none/],
    ['--health-retries=-1 app', /--health-retries cannot be negative/],
    ['--no-healthcheck --health-cmd x app', /--no-healthcheck conflicts with --health-\* options/],
    ['--restart on-failure:x app', /maximum retry count must be an integer/],
    ['--network-alias a app', /network-scoped aliases are only supported for user-defined networks/],
    ['--network n --network host app', /cannot attach both user-defined and non-user-defined network-modes/],
    ['--network n --network n app', /network "n" is specified multiple times/],
    ['--network name=n,ip=1.2.3.4 --ip 1.2.3.5 app', /cannot specify both --ip and per-network IPv4 address/],
    ['--env-file /no/such app', /open \/no\/such: no such file or directory/],
    ['--security-opt seccomp=/no/such app', /opening seccomp profile \(\/no\/such\) failed/],
    ['--security-opt foo app', /Invalid --security-opt: "foo"/],
    ['--storage-opt x app', /invalid storage option/],
    ['-v= app', /invalid empty volume spec/],
  ];
  for (const [line, message] of rows) test(line, () => assert.rejects(request(line), message));
});

/** Every field of `expected` is in `actual`; lists are equal as a whole. */
function assertContains(actual: unknown, expected: unknown, path = ''): void {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) {
    assert.deepEqual(actual, expected, path);
    return;
  }
  for (const [key, value] of Object.entries(expected)) {
    assertContains(Reflect.get(Object(actual), key), value, `${path}.${key}`);
  }
}
