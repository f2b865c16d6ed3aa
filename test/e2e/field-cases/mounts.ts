import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BindOptions, Mount, TmpfsOptions, VolumeOptions } from '@wharf/api/container';
import type { EndpointSettings } from '@wharf/api/network';
import { busyboxImage } from '../../fixtures/image.ts';
import type { Fixture } from '../../harness/fixture.ts';
import { dockerSince } from '../../harness/target.ts';
import { type FieldCase, inside, refused, seen } from './field-case.ts';

type MountField =
  | Exclude<keyof Mount, `${string}Options`>
  | `BindOptions.${keyof BindOptions}`
  | `VolumeOptions.${keyof VolumeOptions}`
  | `TmpfsOptions.${keyof TmpfsOptions}`
  | 'ImageOptions.Subpath';

const mounted = (mount: Record<string, unknown>) => ({ HostConfig: { Mounts: [mount] } });
const etc = { Type: 'bind', Source: '/etc', Target: '/m' };

/** Every field of one entry of `HostConfig.Mounts`. */
export const mountCases: Record<MountField, readonly FieldCase[]> = {
  Type: [
    inside('tmpfs', mounted({ Type: 'tmpfs', Target: '/m' }), 'grep " /m " /proc/mounts | cut -d" " -f3', 'tmpfs'),
    seen(
      'image',
      async (engine) => {
        await engine.load(busyboxImage('tools:latest', { Labels: { tools: 'yes' } }));
        const spec = mounted({ Type: 'image', Source: 'tools', Target: '/m' });
        const { stdout } = await engine.sh('cat /m/data/seed; touch /m/x 2>/dev/null || echo read-only', spec);
        assert.equal(stdout, 'from the image\nread-only\n');
        const id = await engine.create({ Cmd: ['true'], ...spec });
        const [point] = (await engine.inspect(id)).Mounts;
        assert.deepEqual([point.Type, point.Destination, point.RW], ['image', '/m', false]);
        const held = await engine.api('DELETE', '/images/tools');
        assert.equal(held.status, 409, held.text);
        await engine.remove(id);
        assert.equal((await engine.api('DELETE', '/images/tools')).status, 200);
      },
      dockerSince('28.0'),
    ),
    refused(
      'npipe',
      mounted({ Type: 'npipe', Source: '\\\\.\\pipe\\x', Target: '/m' }),
      400,
      /npipe|mount type unknown/i,
    ),
    refused(
      'unknown',
      mounted({ Type: 'x', Target: '/m' }),
      400,
      /invalid mount config for type "x": mount type unknown/,
    ),
  ],
  Source: [
    inside('of a bind', mounted({ ...etc, ReadOnly: true }), 'test -s /m/passwd && echo there', 'there'),
    refused('none', mounted({ Type: 'bind', Target: '/m' }), 400, /field Source must not be empty/),
    refused(
      'an image that is not there',
      mounted({ Type: 'image', Source: 'nowhere', Target: '/m' }),
      404,
      /No such image: nowhere/,
      dockerSince('28.0'),
    ),
  ],
  Target: [
    refused('none', mounted({ Type: 'tmpfs' }), 400, /field Target must not be empty/),
    refused('the root', mounted({ Type: 'tmpfs', Target: '/' }), 400, /destination can't be '\/'/),
    refused(
      'two at once',
      { HostConfig: { Mounts: [etc, { ...etc, Source: '/tmp' }] } },
      400,
      /Duplicate mount point: \/m/,
    ),
  ],
  ReadOnly: [
    inside(
      'cannot be written',
      mounted({ ...etc, ReadOnly: true }),
      'touch /m/x 2>/dev/null || echo refused',
      'refused',
    ),
  ],
  Consistency: [inside('means nothing on Linux', mounted({ ...etc, Consistency: 'cached' }), 'echo ran', 'ran')],
  'BindOptions.Propagation': [
    seen('shared reaches the host', async (engine) => {
      const path = await nestedMount(engine, 'propagated', { shared: true });
      const id = await engine.sleeping({
        HostConfig: {
          CapAdd: ['SYS_ADMIN'],
          SecurityOpt: ['seccomp=unconfined'],
          Mounts: [{ Type: 'bind', Source: path, Target: '/m', BindOptions: { Propagation: 'rshared' } }],
        },
      });
      await engine.exec(id, ['sh', '-c', 'mkdir -p /m/made && mount -t tmpfs made /m/made']);
      const { stdout } = await engine.daemon.sandbox.run(['grep', '-c', `${path}/made`, '/proc/mounts']);
      await engine.daemon.sandbox.run(['umount', `${path}/made`]);
      await engine.remove(id);
      await unmountNested(engine, path);
      assert.equal(stdout.trim(), '1');
    }),
    refused('unknown', mounted({ ...etc, BindOptions: { Propagation: 'x' } }), 400, /invalid propagation mode: x/),
  ],
  'BindOptions.NonRecursive': [
    seen('leaves out what is mounted below', async (engine) => {
      const path = await nestedMount(engine, 'flat');
      const look = (NonRecursive: boolean) =>
        engine.sh('ls /m/below', mounted({ Type: 'bind', Source: path, Target: '/m', BindOptions: { NonRecursive } }));
      assert.equal((await look(false)).stdout, 'f\n');
      assert.equal((await look(true)).stdout, '');
      await unmountNested(engine, path);
    }),
  ],
  'BindOptions.CreateMountpoint': [
    seen(
      'makes the source',
      async (engine) => {
        const Source = join(engine.daemon.sandbox.directory, 'made/by/it');
        const mount = { Type: 'bind', Source, Target: '/m', BindOptions: { CreateMountpoint: true } };
        assert.equal((await engine.sh('stat -c %u:%a /m', mounted(mount))).stdout, '0:755\n');
      },
      dockerSince('23.0'),
    ),
    refused(
      'without it',
      mounted({ Type: 'bind', Source: '/nowhere', Target: '/m' }),
      400,
      /bind source path does not exist: \/nowhere/,
    ),
  ],
  'BindOptions.ReadOnlyNonRecursive': [
    seen(
      'leaves what is mounted below writable',
      async (engine) => {
        const path = await nestedMount(engine, 'half');
        const look = (options: object) =>
          engine.sh(
            'touch /m/x 2>/dev/null || echo refused; touch /m/below/x 2>/dev/null || echo below',
            mounted({ Type: 'bind', Source: path, Target: '/m', ReadOnly: true, BindOptions: options }),
          );
        assert.equal((await look({ ReadOnlyNonRecursive: true })).stdout, 'refused\n');
        assert.equal((await look({})).stdout, 'refused\nbelow\n');
        await unmountNested(engine, path);
      },
      dockerSince('25.0'),
    ),
  ],
  'BindOptions.ReadOnlyForceRecursive': [
    seen(
      'all of it, or nothing',
      async (engine) => {
        const path = await nestedMount(engine, 'forced');
        const { stdout } = await engine.sh(
          'touch /m/below/x 2>/dev/null || echo below',
          mounted({
            Type: 'bind',
            Source: path,
            Target: '/m',
            ReadOnly: true,
            BindOptions: { ReadOnlyForceRecursive: true, Propagation: 'rprivate' },
          }),
        );
        assert.equal(stdout, 'below\n');
        await unmountNested(engine, path);
      },
      dockerSince('25.0'),
    ),
    refused(
      'without read-only',
      mounted({ ...etc, BindOptions: { ReadOnlyForceRecursive: true } }),
      400,
      /mount must be read-only|ReadOnlyForceRecursive/i,
      dockerSince('25.0'),
    ),
    refused(
      'with its opposite',
      mounted({ ...etc, ReadOnly: true, BindOptions: { ReadOnlyForceRecursive: true, ReadOnlyNonRecursive: true } }),
      400,
      /ReadOnlyNonRecursive && ReadOnlyForceRecursive/,
      dockerSince('25.0'),
    ),
  ],
  'VolumeOptions.NoCopy': [
    inside(
      'stays empty',
      mounted({ Type: 'volume', Target: '/data', VolumeOptions: { NoCopy: true } }),
      'ls /data | wc -l',
      '0',
    ),
  ],
  'VolumeOptions.Labels': [
    seen('of the volume that is made', async (engine) => {
      const id = await engine.create(
        mounted({ Type: 'volume', Source: 'labelled', Target: '/m', VolumeOptions: { Labels: { a: 'b' } } }),
      );
      assert.deepEqual((await engine.api('GET', '/volumes/labelled')).json.Labels, { a: 'b' });
      await engine.remove(id);
      await engine.api('DELETE', '/volumes/labelled');
    }),
  ],
  'VolumeOptions.DriverConfig': [
    inside(
      'options of the driver',
      mounted({
        Type: 'volume',
        Source: '',
        Target: '/m',
        VolumeOptions: {
          DriverConfig: { Name: 'local', Options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } },
        },
      }),
      'grep " /m " /proc/mounts | grep -o size=1024k',
      'size=1024k',
    ),
  ],
  'VolumeOptions.Subpath': [
    seen(
      'a part of it',
      async (engine) => {
        await engine.sh('mkdir -p /v/a/b; echo deep > /v/a/b/f', { HostConfig: { Binds: ['parts:/v'] } });
        const part = { Type: 'volume', Source: 'parts', Target: '/m', VolumeOptions: { Subpath: 'a/b' } };
        assert.equal((await engine.sh('cat /m/f', mounted(part))).stdout, 'deep\n');
        await engine.api('DELETE', '/volumes/parts');
      },
      dockerSince('26.0'),
    ),
    refused(
      'one that leads out',
      mounted({ Type: 'volume', Source: 'v', Target: '/m', VolumeOptions: { Subpath: '../x' } }),
      400,
      /subpath must be a relative path within the volume/,
      dockerSince('26.0'),
    ),
  ],
  'TmpfsOptions.SizeBytes': [
    inside(
      'a size',
      mounted({ Type: 'tmpfs', Target: '/m', TmpfsOptions: { SizeBytes: 1048576 } }),
      'grep " /m " /proc/mounts | grep -o size=1024k',
      'size=1024k',
    ),
  ],
  'TmpfsOptions.Mode': [
    inside('a mode', mounted({ Type: 'tmpfs', Target: '/m', TmpfsOptions: { Mode: 0o1750 } }), 'stat -c %a /m', '1750'),
  ],
  'TmpfsOptions.Options': [
    inside(
      'exec',
      mounted({ Type: 'tmpfs', Target: '/m', TmpfsOptions: { Options: [['exec']] } }),
      'grep " /m " /proc/mounts | grep -c noexec',
      '0',
      dockerSince('27.0'),
    ),
    refused(
      'unknown',
      mounted({ Type: 'tmpfs', Target: '/m', TmpfsOptions: { Options: [['x']] } }),
      400,
      /invalid option: x/,
      dockerSince('27.0'),
    ),
  ],
  'ImageOptions.Subpath': [
    seen(
      'a part of it',
      async (engine) => {
        await engine.load(busyboxImage('parts:latest'));
        const part = { Type: 'image', Source: 'parts', Target: '/m', ImageOptions: { Subpath: 'data' } };
        assert.equal((await engine.sh('ls /m', mounted(part))).stdout, 'seed\n');
        await engine.api('DELETE', '/images/parts');
      },
      dockerSince('28.0'),
    ),
    refused(
      'one that leads out',
      mounted({ Type: 'image', Source: 'busybox', Target: '/m', ImageOptions: { Subpath: '/etc' } }),
      400,
      /subpath must be a relative path within the image/,
      dockerSince('28.0'),
    ),
  ],
};

/** Every field of `EndpointSettings`, at create with two networks. */
export const endpointCases: Record<keyof EndpointSettings, readonly FieldCase[]> = {
  IPAMConfig: [
    seen(
      'addresses of one’s own',
      (engine) =>
        withNetworks(engine, { IPAMConfig: { IPv4Address: '10.97.1.77' } }, {}, async (id) => {
          const { stdout } = await engine.exec(id, ['ip', '-4', '-o', 'addr']);
          assert.match(stdout, /10\.97\.1\.77\/24/);
        }),
      dockerSince('25.0'),
    ),
  ],
  Links: [
    seen(
      'names of the network’s own',
      (engine) =>
        withNetworks(engine, { Links: ['field-peer:nick'] }, {}, async (id) => {
          assert.match((await engine.exec(id, ['nslookup', 'nick', '127.0.0.11'])).stdout, /10\.97\.1\./);
        }),
      dockerSince('25.0'),
    ),
  ],
  Aliases: [
    seen(
      'further names',
      (engine) =>
        withNetworks(engine, { Aliases: ['also'] }, {}, async (id, peer) => {
          assert.match((await engine.exec(peer, ['nslookup', 'also', '127.0.0.11'])).stdout, /10\.97\.1\./);
          assert.deepEqual(
            (await engine.inspect(id)).NetworkSettings.Networks['field-one'].Aliases.includes('also'),
            true,
          );
        }),
      dockerSince('25.0'),
    ),
  ],
  MacAddress: [
    seen(
      'of the interface',
      (engine) =>
        withNetworks(engine, { MacAddress: '02:42:0a:00:00:99' }, {}, async (id) => {
          assert.match((await engine.exec(id, ['ip', 'link'])).stdout, /02:42:0a:00:00:99/);
        }),
      dockerSince('25.0'),
    ),
  ],
  DriverOpts: [
    seen(
      'a sysctl of the interface',
      (engine) =>
        withNetworks(
          engine,
          { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' } },
          {},
          async (id) => {
            const { stdout } = await engine.exec(id, ['sh', '-c', 'cat /proc/sys/net/ipv4/conf/eth*/log_martians']);
            assert.match(stdout, /1/);
          },
        ),
      dockerSince('28.0'),
    ),
  ],
  GwPriority: [
    seen(
      'decides the default route',
      (engine) =>
        withNetworks(engine, { GwPriority: 0 }, { GwPriority: 10 }, async (id) => {
          assert.match((await engine.exec(id, ['ip', 'route'])).stdout, /default via 10\.97\.2\./);
        }),
      dockerSince('28.0'),
    ),
  ],
  ...shownOfEndpoint({
    NetworkID: /^[0-9a-f]{64}$/,
    EndpointID: /^[0-9a-f]{64}$/,
    Gateway: /^10\.97\.1\.1$/,
    IPAddress: /^10\.97\.1\.\d+$/,
    IPPrefixLen: /^24$/,
    IPv6Gateway: /^$/,
    GlobalIPv6Address: /^$/,
    GlobalIPv6PrefixLen: /^0$/,
  }),
  DNSNames: [
    seen(
      'are shown',
      (engine) =>
        withNetworks(engine, {}, {}, async (id) => {
          const { DNSNames } = (await engine.inspect(id)).NetworkSettings.Networks['field-one'];
          assert.ok(DNSNames.includes(id.slice(0, 12)) && DNSNames.includes('field-container'));
        }),
      dockerSince('25.0'),
    ),
  ],
};

/** What a client sends here is not what it gets: these are the network's answer. */
function shownOfEndpoint<K extends keyof EndpointSettings>(fields: Record<K, RegExp>): Record<K, readonly FieldCase[]> {
  const entries = Object.entries<RegExp>(fields).map(([field, expected]) => [
    field,
    [
      seen(
        'is the network’s answer',
        (engine) =>
          withNetworks(engine, { [field]: field.endsWith('Len') ? 7 : 'sent' }, {}, async (id) => {
            assert.match(String((await engine.inspect(id)).NetworkSettings.Networks['field-one'][field]), expected);
          }),
        dockerSince('25.0'),
      ),
    ],
  ]);
  return Object.fromEntries(entries) as Record<K, readonly FieldCase[]>;
}

/** A container on two networks since its creation, beside another on the first. */
async function withNetworks(
  engine: Fixture,
  one: Record<string, unknown>,
  two: Record<string, unknown>,
  look: (id: string, peer: string) => Promise<void>,
): Promise<void> {
  for (const [Name, Subnet] of [
    ['field-one', '10.97.1.0/24'],
    ['field-two', '10.97.2.0/24'],
  ]) {
    await engine.api('POST', '/networks/create', { Name, IPAM: { Config: [{ Subnet }] } });
  }
  const peer = await engine.sleeping({ HostConfig: { NetworkMode: 'field-one' } }, 'field-peer');
  const id = await engine.sleeping(
    {
      HostConfig: { NetworkMode: 'field-one' },
      NetworkingConfig: { EndpointsConfig: { 'field-one': one, 'field-two': two } },
    },
    'field-container',
  );
  try {
    await look(id, peer);
  } finally {
    await engine.remove(id);
    await engine.remove(peer);
    for (const name of ['field-one', 'field-two']) await engine.api('DELETE', `/networks/${name}`);
  }
}

/** A directory of the host with a tmpfs mounted at `below`, holding one file. */
async function nestedMount(engine: Fixture, name: string, options: { shared?: boolean } = {}): Promise<string> {
  const path = join(engine.daemon.sandbox.directory, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'here'), '');
  const share = options.shared ? `mount --make-shared ${path} &&` : '';
  const script = `mount --bind ${path} ${path} && ${share} mkdir -p ${path}/below && mount -t tmpfs below ${path}/below && touch ${path}/below/f`;
  const { code, stderr } = await engine.daemon.sandbox.run(['sh', '-c', script]);
  assert.equal(code, 0, stderr);
  return path;
}

async function unmountNested(engine: Fixture, path: string): Promise<void> {
  await engine.daemon.sandbox.run(['sh', '-c', `umount ${path}/below; umount ${path}`]);
}
