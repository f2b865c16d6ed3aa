import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containerCreateRequest } from '@wharf/api/decode/container';
import { notFound } from '@wharf/base/error';
import type { ContainerMount } from './container-record.ts';
import { parseBind, parseVolumesFrom } from './mount-spec.ts';
import { type PlannedMount, planMounts } from './mounts.ts';

function plan(hostConfig: object, volumes: object = {}, others: Record<string, ContainerMount[]> = {}): PlannedMount[] {
  const { HostConfig, Volumes } = containerCreateRequest({ HostConfig: hostConfig, Volumes: volumes }, '');
  return planMounts({
    hostConfig: HostConfig,
    volumes: Volumes,
    mountsOf: (name) => {
      if (!Object.hasOwn(others, name)) throw notFound(`No such container: ${name}`);
      return others[name]!;
    },
    imageOf: (name) => ({ id: `id of ${name}`, diffIds: [] }),
  });
}

/** `type source|name destination`, and what is special. */
function describeMount({ mount, volume }: PlannedMount): string {
  const name = mount.anonymous ? '*' : mount.type === 'volume' ? (volume?.name ?? mount.name) : mount.source;
  const flags = (['readOnly', 'copyUp', 'createSource', 'nonRecursive'] as const).filter((flag) => mount[flag]);
  return [mount.type, name, mount.destination, mount.mode || '-', mount.propagation || '-', ...flags].join(' ');
}

describe('mounts', () => {
  const rows: readonly [hostConfig: object, expected: readonly string[], volumes?: object][] = [
    [{ Binds: ['/a:/b'] }, ['bind /a /b - rprivate createSource']],
    [{ Binds: ['/a/../c/:/b//d/:ro,z'] }, ['bind /c /b/d ro,z rprivate readOnly createSource']],
    [{ Binds: ['/a:/b:rshared'] }, ['bind /a /b rshared rshared createSource']],
    [{ Binds: ['name:/b'] }, ['volume name /b z - copyUp']],
    [{ Binds: ['name:/b:nocopy,ro'] }, ['volume name /b nocopy,ro - readOnly']],
    [{ Binds: ['/b'] }, ['volume * /b z - copyUp']],
    [{ Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }] }, ['bind /a /b - rprivate readOnly']],
    [
      {
        Mounts: [
          { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { NonRecursive: true, CreateMountpoint: true } },
        ],
      },
      ['bind /a /b - rprivate createSource nonRecursive'],
    ],
    [{ Mounts: [{ Type: 'volume', Target: '/b' }] }, ['volume * /b z - copyUp']],
    [{ Mounts: [{ Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: { Subpath: 'x' } }] }, ['volume v /b z -']],
    [{}, ['volume * /data - - copyUp'], { '/data/': {} }],
    [{ Binds: ['/a:/data'] }, ['bind /a /data - rprivate createSource'], { '/data': {} }],
    [{ Tmpfs: { '/data/': '' } }, [], { '/data': {} }],
  ];
  for (const [hostConfig, expected, volumes] of rows) {
    test(JSON.stringify({ ...hostConfig, volumes }), () => {
      assert.deepEqual(plan(hostConfig, volumes).map(describeMount), expected);
    });
  }

  const refused: readonly [hostConfig: object, message: string][] = [
    [{ Binds: ['/a:/b', '/c:/b/'] }, 'Duplicate mount point: /b'],
    [{ Binds: ['/a:/b'], Tmpfs: { '/b': '' } }, 'Duplicate mount point: /b'],
    [{ Binds: ['/a:/b'], Mounts: [{ Type: 'tmpfs', Target: '/b' }] }, 'Duplicate mount point: /b'],
    [{ Binds: ['/a:b:c:d'] }, "invalid volume specification: '/a:b:c:d'"],
    [{ Binds: ['/a:rw'] }, "invalid volume specification: '/a:rw'"],
    [{ Binds: ['/a:/b:zz'] }, 'invalid mode: zz'],
    [{ Binds: ['/a:/b:ro,rw'] }, 'invalid mode: ro,rw'],
    [
      { Binds: ['/a:b'] },
      "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute",
    ],
    [
      { Binds: ['/a:/'] },
      "invalid volume specification: '/a:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
    ],
    [
      { Binds: ['/a:/b:nocopy'] },
      'invalid volume specification: \'/a:/b:nocopy\': invalid mount config for type "bind": field VolumeOptions must not be specified',
    ],
    [
      { Binds: ['n:/b:rshared'] },
      'invalid volume specification: \'n:/b:rshared\': invalid mount config for type "volume": field BindOptions must not be specified',
    ],
    [{ VolumesFrom: ['nope'] }, 'No such container: nope'],
    [{ VolumesFrom: [''] }, 'volumes-from specification cannot be an empty string'],
    [{ VolumesFrom: ['a:nocopy'] }, 'invalid mode: nocopy'],
  ];
  for (const [hostConfig, message] of refused) {
    test(`${JSON.stringify(hostConfig)} is refused`, () =>
      assert.throws(() => plan(hostConfig), { code: 'invalid_argument', message }));
  }

  test('what another container has is taken, read-only if asked, and replaced by what is given here', () => {
    const others = {
      first: plan({ Binds: ['/a:/b', 'v:/v', '/c:/c:ro'] }).map(({ mount }) => ({ ...mount, name: 'v' })),
    };
    const taken = plan({ VolumesFrom: ['first:ro'], Binds: ['/other:/b'] }, {}, others);
    assert.deepEqual(taken.map(describeMount), [
      'bind /other /b - rprivate createSource',
      'volume v /v - - readOnly',
      'bind /c /c - rprivate readOnly createSource',
    ]);
    assert.ok(taken.every(({ volume }) => volume === undefined));
  });

  test('anonymous volumes are labelled, and named ones get their driver and options', () => {
    const [anonymous, named] = plan({
      VolumeDriver: 'local',
      Binds: ['/x'],
      Mounts: [
        {
          Type: 'volume',
          Source: 'v',
          Target: '/y',
          VolumeOptions: { Labels: { a: 'b' }, DriverConfig: { Name: 'local', Options: { type: 'tmpfs' } } },
        },
      ],
    });
    assert.match(anonymous?.volume?.name ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual(anonymous?.volume?.labels, { 'com.docker.volume.anonymous': '' });
    assert.deepEqual(named?.volume, { name: 'v', driver: 'local', driverOpts: { type: 'tmpfs' }, labels: { a: 'b' } });
  });
});

test('mounts: words of a specification keep their meaning', () => {
  assert.equal(parseBind('/a:/b:cached', '').mount.ReadOnly, false);
  assert.deepEqual(parseVolumesFrom('web:ro,z'), { container: 'web', readOnly: true });
  assert.deepEqual(parseVolumesFrom('web'), { container: 'web', readOnly: false });
});
