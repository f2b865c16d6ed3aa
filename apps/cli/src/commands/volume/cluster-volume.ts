import { isChanged, list, parsed, text } from '../../flags/flag.ts';
import { toMap } from '../../flags/key-values.ts';
import { parseSize } from '../../flags/size.ts';

const bytes = (help: string) => parsed(help, 'bytes', 0, parseSize, { complete: 'none', since: 42 });

export const availability = text('Whether services may use a cluster volume ("active", "pause", "drain")', {
  initial: 'active',
  complete: ['active', 'pause', 'drain'],
});

/** What a volume of a swarm is to be; any of them makes it one. */
export const clusterFlags = {
  availability: { ...availability, since: 42 },
  group: text('Group of a cluster volume', { complete: 'none', since: 42 }),
  'limit-bytes': bytes('Most size of a cluster volume'),
  'required-bytes': bytes('Least size of a cluster volume'),
  scope: text('How many nodes use a cluster volume at a time ("single", "multi")', {
    initial: 'single',
    complete: ['single', 'multi'],
    since: 42,
  }),
  secret: list('Secret for the driver of a cluster volume (key=secret)', {
    kind: 'map',
    shown: 'map[]',
    complete: 'none',
    since: 42,
  }),
  sharing: text('Who shares a cluster volume ("none", "readonly", "onewriter", "all")', {
    initial: 'none',
    complete: ['none', 'readonly', 'onewriter', 'all'],
    since: 42,
  }),
  'topology-preferred': list('Where a cluster volume had best be reached from (key=value,...)', {
    complete: 'none',
    since: 42,
  }),
  'topology-required': list('Where a cluster volume must be reached from (key=value,...)', {
    complete: 'none',
    since: 42,
  }),
  type: text('Access to a cluster volume ("mount", "block")', {
    initial: 'block',
    complete: ['mount', 'block'],
    since: 42,
  }),
} as const;

type ClusterValues = Parameters<typeof isChanged>[0] & {
  readonly [name in keyof typeof clusterFlags]: (typeof clusterFlags)[name]['initial'];
};

/** The API's ClusterVolumeSpec; undefined where no flag asks for a cluster volume. */
export function clusterVolumeSpec(flags: ClusterValues): object | undefined {
  if (!Object.keys(clusterFlags).some((name) => isChanged(flags, name))) return undefined;
  const secrets = Object.entries(toMap(flags.secret)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...(flags.group !== '' && { Group: flags.group }),
    AccessMode: {
      Scope: flags.scope,
      Sharing: flags.sharing,
      ...(flags.type === 'mount' && { MountVolume: {} }),
      ...(flags.type === 'block' && { BlockVolume: {} }),
    },
    AccessibilityRequirements: {
      ...(flags['topology-required'].length > 0 && { Requisite: topologies(flags['topology-required']) }),
      ...(flags['topology-preferred'].length > 0 && { Preferred: topologies(flags['topology-preferred']) }),
    },
    CapacityRange: { RequiredBytes: flags['required-bytes'], LimitBytes: flags['limit-bytes'] },
    ...(secrets.length > 0 && { Secrets: secrets.map(([Key, Secret]) => ({ Key, Secret })) }),
    Availability: flags.availability,
  };
}

function topologies(texts: readonly string[]): { Segments: Record<string, string> }[] {
  return texts.map((line) => ({ Segments: toMap(line.split(',')) }));
}
