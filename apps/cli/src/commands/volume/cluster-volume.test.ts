import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../../flags/parse.ts';
import { clusterFlags, clusterVolumeSpec } from './cluster-volume.ts';

const none = { AccessibilityRequirements: {}, CapacityRange: { RequiredBytes: 0, LimitBytes: 0 } };

/** What the docker client sends. */
const rows: readonly [string, object | undefined][] = [
  ['', undefined],
  [
    '--availability drain',
    { AccessMode: { Scope: 'single', Sharing: 'none', BlockVolume: {} }, ...none, Availability: 'drain' },
  ],
  [
    '--type mount --scope multi --sharing all --group g --limit-bytes 2g --required-bytes 1g --secret b=2 --secret a=1 ' +
      '--topology-required zone=a,rack=1 --topology-preferred zone=b --topology-preferred zone',
    {
      Group: 'g',
      AccessMode: { Scope: 'multi', Sharing: 'all', MountVolume: {} },
      AccessibilityRequirements: {
        Requisite: [{ Segments: { zone: 'a', rack: '1' } }],
        Preferred: [{ Segments: { zone: 'b' } }, { Segments: { zone: '' } }],
      },
      CapacityRange: { RequiredBytes: 2 ** 30, LimitBytes: 2 ** 31 },
      Secrets: [
        { Key: 'a', Secret: '1' },
        { Key: 'b', Secret: '2' },
      ],
      Availability: 'active',
    },
  ],
];

for (const [line, spec] of rows) {
  test(`volume create ${line}`, () => {
    const { values } = parseFlags(clusterFlags, line.split(' ').filter(Boolean));
    assert.deepEqual(clusterVolumeSpec(values), spec);
  });
}
