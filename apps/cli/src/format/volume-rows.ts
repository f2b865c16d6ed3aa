import type { VolumeInspect } from '@wharf/api/volume';
import { createRow, type Row } from '@wharf/base/template/row';
import { joinLabels } from './container-rows.ts';
import type { ListStyle } from './list.ts';
import { humanSize } from './units.ts';

export const volumeStyle: ListStyle = {
  headers: {
    Name: 'VOLUME NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    Availability: 'AVAILABILITY',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Links: 'LINKS',
    Size: 'SIZE',
    Group: 'GROUP',
    Status: 'STATUS',
  },
  table: '{{.Driver}}\t{{.Name}}',
  quiet: '{{.Name}}',
  raw: [
    ['name', 'Name'],
    ['driver', 'Driver'],
  ],
};

/** Of `--cluster`. */
export const clusterStyle: ListStyle = {
  ...volumeStyle,
  table: '{{.Name}}\t{{.Group}}\t{{.Driver}}\t{{.Availability}}\t{{.Status}}',
};

/** What templates see of a volume; the cluster's columns say N/A of all others. */
export function volumeRow(volume: VolumeInspect): Row {
  const { Name, Driver, Scope, Mountpoint, Labels, UsageData, ClusterVolume } = volume;
  return createRow('*formatter.volumeContext', {
    Name: () => Name,
    Driver: () => Driver,
    Scope: () => Scope,
    Mountpoint: () => Mountpoint,
    Labels: () => joinLabels(Labels),
    Label: (name) => Labels?.[String(name)] ?? '',
    Links: () => (UsageData ? String(UsageData.RefCount) : 'N/A'),
    Size: () => (UsageData ? humanSize(UsageData.Size) : 'N/A'),
    Group: () => (ClusterVolume ? (ClusterVolume.Spec.Group ?? '') : 'N/A'),
    Availability: () => (ClusterVolume ? (ClusterVolume.Spec.Availability ?? '') : 'N/A'),
    Status: () => (ClusterVolume ? clusterStatus(ClusterVolume) : 'N/A'),
  });
}

function clusterStatus({ Info, PublishStatus }: NonNullable<VolumeInspect['ClusterVolume']>): string {
  if (!Info?.VolumeID) return 'pending creation';
  const nodes = (PublishStatus ?? []).length;
  return nodes === 0 ? 'created' : `in use (${nodes} node${nodes === 1 ? '' : 's'})`;
}
